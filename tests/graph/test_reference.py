"""The reference against a second, naive implementation in Python integers."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.graph.fixed_point import multiply_by_quantized_multiplier, weighted_requantization
from pipeline.graph.ir import Conv2D, DepthwiseConv2D, IntegerGraph, Padding
from pipeline.graph.reference import accumulate, execute, execute_all, execute_operator
from tests.graph.graphs import GraphBuilder, random_graph, random_inputs, small_mobilenet


def naive_accumulator(graph: IntegerGraph, operator: Conv2D | DepthwiseConv2D, image: np.ndarray) -> np.ndarray:
    source, result = graph.tensors[operator.input], graph.tensors[operator.output]
    out = np.zeros(result.shape, dtype=object)
    depthwise = isinstance(operator, DepthwiseConv2D)
    kernel = operator.weight.shape[:2] if depthwise else operator.weight.shape[1:3]
    for y, x, c in itertools.product(*map(range, result.shape)):
        total = int(operator.bias[c])
        for row, column in itertools.product(*map(range, kernel)):
            sy = y * operator.stride[0] + row - operator.padding.top
            sx = x * operator.stride[1] + column - operator.padding.left
            if not (0 <= sy < source.shape[0] and 0 <= sx < source.shape[1]):
                continue
            for depth in [c] if depthwise else range(source.shape[2]):
                weight = operator.weight[row, column, c] if depthwise else operator.weight[c, row, column, depth]
                total += (int(image[sy, sx, depth]) - source.zero_point) * int(weight)
        out[y, x, c] = total
    return out.astype(np.int64)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(3, 7), st.integers(3, 7), st.integers(1, 5)),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.tuples(*[st.integers(0, 2)] * 4),
    depthwise=st.booleans(),
)
def test_convolutions_accumulate_as_the_definition(seed, size, kernel, stride, padding, depthwise):
    builder = GraphBuilder(np.random.default_rng(seed))
    source = builder.add_input(size)
    make = builder.depthwise if depthwise else lambda s, **kw: builder.conv(s, 3, **kw)
    graph = builder.build(make(source, kernel=kernel, stride=stride, padding=Padding(*padding)))
    operator = graph.operators[0]
    images = random_inputs(graph, 2, seed)
    expected = np.stack([naive_accumulator(graph, operator, image) for image in images])
    np.testing.assert_array_equal(accumulate(graph, operator, images), expected)

    multiplier, shift = weighted_requantization(graph, operator)
    codes = multiply_by_quantized_multiplier(expected, multiplier, shift) - 128
    np.testing.assert_array_equal(
        execute_operator(graph, operator, [images], "fixed-point"), np.clip(codes, -128, 127).astype(np.int8)
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_families_differ_by_one_step_at_most_on_identical_inputs(seed):
    graph = random_graph(seed)
    tensors = execute_all(graph, random_inputs(graph, 2, seed), "float")
    for operator in graph.operators:
        sources = [tensors[name] for name in operator.inputs]
        fixed = execute_operator(graph, operator, sources, "fixed-point").astype(int)
        assert np.abs(fixed - tensors[operator.output]).max() <= 1, operator.name


@pytest.mark.parametrize("family", ["fixed-point", "float"])
def test_an_addition_is_near_the_real_sum(family):
    graph = small_mobilenet(5)
    values = execute_all(graph, random_inputs(graph, 3, 0), family)
    add = next(op for op in graph.operators if op.name.startswith("add"))
    left, right, result = (graph.tensors[n] for n in (add.left, add.right, add.output))
    real = sum(t.scale * (values[t.name].astype(float) - t.zero_point) for t in (left, right))
    codes = np.clip(real / result.scale + result.zero_point, -128, 127)
    # Half a step of rounding, and what the 31-bit factors lose.
    assert np.abs(values[result.name] - codes).max() <= 0.5 + 1e-3


@pytest.mark.parametrize(
    ("codes", "fixed", "rounded"),
    [
        ([1, 2], 2, 2),  # 1.5
        ([-1, -2], -2, -2),  # -1.5
        ([2, 3], 3, 2),  # 2.5: half away from zero, half to even
        ([-2, -3], -3, -2),
    ],
)
def test_pooling_rounds_halves_as_its_family(codes, fixed, rounded):
    builder = GraphBuilder(np.random.default_rng(0))
    source = builder.add_input((1, 2, 1))
    graph = builder.build(builder.pool(source))
    image = np.array(codes, np.int8).reshape(1, 1, 2, 1)
    assert execute(graph, image, "fixed-point").item() == fixed
    # The zero point is -128: half to even of the distance from it, which is even where the code is.
    assert execute(graph, image, "float").item() == rounded


def test_every_sample_is_computed_alone():
    graph = small_mobilenet(1)
    images = random_inputs(graph, 19, 4)
    together = execute(graph, images, "fixed-point")
    alone = np.concatenate([execute(graph, images[i : i + 1], "fixed-point") for i in range(19)])
    np.testing.assert_array_equal(together, alone)


def test_inputs_of_another_shape_are_refused():
    graph = small_mobilenet(1)
    with pytest.raises(ValueError, match=r"the graph takes int8 \(16, 16, 1\)"):
        execute(graph, np.zeros((1, 8, 8, 1), np.int8), "float")

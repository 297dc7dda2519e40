"""Operators on shapes and numbers that no network has, with what the reference computes: for every kernel library."""

import numpy as np
from hypothesis import assume, settings
from hypothesis import strategies as st

from pipeline.backends.cortex_m.accumulators import check_accumulators, fold_zero_point
from pipeline.backends.cortex_m.portable import portable_kernel
from pipeline.backends.cortex_m.windows import window_size
from pipeline.errors import SixfoldError
from pipeline.graph.fixed_point import add_requantization, weighted_requantization
from pipeline.graph.ir import (
    Add,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    GlobalAveragePool,
    IntegerGraph,
    Operator,
    Padding,
    Tensor,
    Weighted,
)
from pipeline.graph.reference import execute_all, execute_operator

zero_points = st.one_of(st.sampled_from([-128, 127, 0]), st.integers(-128, 127))
seeds = st.integers(0, 2**32 - 1)
paddings = st.builds(Padding, *[st.integers(0, 4)] * 4)
# From a power of two's edges, where multipliers are least and largest, to any number between.
scales = st.one_of(
    st.builds(lambda e, up: float(np.nextafter(np.float32(2.0**e), np.float32(up))), st.integers(-30, 0), st.just(0.0)),
    st.builds(lambda e: 2.0**e, st.integers(-30, 0)),
    st.floats(2.0**-30, 1.0, width=32),
)
several = settings(max_examples=100, deadline=None)


def codes(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """int8 values, every third time only the extremes."""
    if rng.integers(3) == 0:
        return rng.choice(np.array([-128, 127], np.int8), shape)
    return rng.integers(-128, 128, shape).astype(np.int8)


def one_operator(operator: Operator, source: Tensor, result: Tensor) -> IntegerGraph:
    return IntegerGraph({"x": source, "y": result}, (operator,), "x", "y")


def expected(graph: IntegerGraph, values: np.ndarray) -> bytes:
    return execute_all(graph, values[np.newaxis], "fixed-point")["y"].tobytes()


def assume_in_range(graph: IntegerGraph, operator: Weighted) -> None:
    try:
        check_accumulators(graph, operator)
    except SixfoldError:
        assume(False)


def draw_bias(rng: np.random.Generator, channels: int) -> np.ndarray:
    return rng.integers(-(2 ** rng.integers(1, 31)), 2 ** rng.integers(1, 31), channels).astype(np.int32)


@st.composite
def convolutions(draw: st.DrawFn, depthwise: bool) -> tuple[IntegerGraph, np.ndarray]:
    rng = np.random.default_rng(draw(seeds))
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    depth = draw(st.integers(1, 11))
    channels = depth if depthwise else draw(st.integers(1, 7))
    kernel = draw(st.one_of(st.just((1, 1)), st.tuples(st.integers(1, 5), st.integers(1, 5))))
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    padding = draw(st.one_of(st.just(Padding()), paddings))
    span = (height + padding.top + padding.bottom - kernel[0], width + padding.left + padding.right - kernel[1])
    assume(min(span) >= 0)
    source = Tensor("x", (height, width, depth), 1.0, draw(zero_points))
    shape = (span[0] // stride[0] + 1, span[1] // stride[1] + 1, channels)
    result = Tensor("y", shape, 1.0, draw(zero_points))
    weight_scale = np.array(draw(st.lists(scales, min_size=channels, max_size=channels)), np.float32)
    bias = draw_bias(rng, channels)
    operator: Operator
    if depthwise:
        weight = codes(rng, (*kernel, channels))
        operator = DepthwiseConv2D("op", "x", "y", weight, weight_scale, bias, stride, padding)
    else:
        weight = codes(rng, (channels, *kernel, depth))
        operator = Conv2D("op", "x", "y", weight, weight_scale, bias, stride, padding)
    graph = one_operator(operator, source, result)
    assume_in_range(graph, operator)
    return graph, codes(rng, source.shape)


def convolution_words(
    graph: IntegerGraph, fold: bool, scratch: int | None = None, lead: int | None = None
) -> tuple[list[int], list[np.ndarray]]:
    """What `run_convolution` of the peer reads, with the zero point folded where the code generator would.

    Args:
        graph: one convolution.
        fold: whether to fold.
        scratch: bytes; None for what the portable kernel needs.
        lead: by how much the output starts before the input; None keeps them apart.
    """
    (operator,) = graph.operators
    assert isinstance(operator, Conv2D | DepthwiseConv2D)
    bias, zero_point = operator.bias, graph.tensors["x"].zero_point
    if scratch is None:
        scratch = portable_kernel(graph, operator).scratch_bytes
        if not fold and isinstance(operator, Conv2D) and zero_point != 0 and operator.padding == Padding():
            scratch += 4 * len(bias)  # the kernel folds what the code generator did not
    if fold:
        bias, zero_point = fold_zero_point(graph, operator)
    kernel = window_size(operator)
    words = [
        *(*graph.tensors["x"].shape, *graph.tensors["y"].shape, *kernel, *operator.stride),
        *(operator.padding.top, operator.padding.left, zero_point, graph.tensors["y"].zero_point, scratch),
        -1 if lead is None else lead,
    ]
    return words, [operator.weight, bias, *weighted_requantization(graph, operator)]


@st.composite
def classifiers(draw: st.DrawFn) -> tuple[IntegerGraph, np.ndarray]:
    rng = np.random.default_rng(draw(seeds))
    inputs, outputs = draw(st.integers(1, 70)), draw(st.integers(1, 9))
    scale = np.array(draw(st.lists(scales, min_size=outputs, max_size=outputs)), np.float32)
    operator = FullyConnected("op", "x", "y", codes(rng, (outputs, inputs)), scale, draw_bias(rng, outputs))
    source, result = (
        Tensor(name, (1, 1, size), 1.0, draw(zero_points)) for name, size in (("x", inputs), ("y", outputs))
    )
    graph = one_operator(operator, source, result)
    assume_in_range(graph, operator)
    return graph, codes(rng, source.shape)


def classifier_words(graph: IntegerGraph, fold: bool) -> tuple[list[int], list[np.ndarray]]:
    """What `run_fully_connected` of the peer reads."""
    (operator,) = graph.operators
    assert isinstance(operator, FullyConnected)
    bias, zero_point = fold_zero_point(graph, operator) if fold else (operator.bias, graph.tensors["x"].zero_point)
    outputs, inputs = operator.weight.shape
    words = [inputs, outputs, zero_point, graph.tensors["y"].zero_point]
    return words, [operator.weight, bias, *weighted_requantization(graph, operator)]


@st.composite
def additions(draw: st.DrawFn) -> tuple[list[int], np.ndarray, np.ndarray, bytes]:
    """What `run_add` of the peer reads, and the outputs."""
    rng = np.random.default_rng(draw(seeds))
    shape = (2, 3, int(rng.integers(1, 20)))
    left, right, result = (Tensor(name, shape, draw(scales), draw(zero_points)) for name in "abc")
    operator = Add("op", "a", "b", "c")
    graph = IntegerGraph({"a": left, "b": right, "c": result}, (operator,), "a", "c")
    factors = add_requantization(graph, operator)
    # An output step so fine that its factor needs a left shift: |sum| < 2^28, so less than 3 bits stay inside int32.
    assume(factors.output_shift <= 2)
    x, y = codes(rng, shape), codes(rng, shape)
    words = [
        *(left.size, left.zero_point, right.zero_point, result.zero_point),
        *(factors.left_multiplier, factors.left_shift, factors.right_multiplier, factors.right_shift),
        *(factors.output_multiplier, factors.output_shift, draw(st.integers(0, 2))),
    ]
    wanted = execute_operator(graph, operator, [x[np.newaxis], y[np.newaxis]], "fixed-point").tobytes()
    return words, x, y, wanted


@st.composite
def poolings(draw: st.DrawFn) -> tuple[list[int], np.ndarray, bytes]:
    """What `run_global_average_pool` of the peer reads, and the outputs."""
    shape = (draw(st.integers(1, 12)), draw(st.integers(1, 12)), draw(st.integers(1, 20)))
    values = codes(np.random.default_rng(draw(seeds)), shape)
    source, result = Tensor("x", shape, 1.0, 3), Tensor("y", (1, 1, shape[2]), 1.0, 3)
    graph = one_operator(GlobalAveragePool("op", "x", "y"), source, result)
    return list(shape), values, expected(graph, values)

"""Every C kernel equals the numpy reference bit for bit, on shapes and numbers that no network has."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.backends.cortex_m.accumulators import check_accumulators, fold_zero_point
from pipeline.backends.cortex_m.libraries import PORTABLE
from pipeline.errors import SixfoldError
from pipeline.graph.fixed_point import (
    add_requantization,
    multiply_by_quantized_multiplier,
    weighted_requantization,
)
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
from tests.firmware import peer as c
from tests.firmware.peer import KernelPeer

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


def convolution_words(graph: IntegerGraph, fold: bool) -> tuple[list[int], list[np.ndarray]]:
    """What `run_convolution` of the peer reads, with the zero point folded where the code generator would."""
    (operator,) = graph.operators
    assert isinstance(operator, Conv2D | DepthwiseConv2D)
    bias, zero_point = operator.bias, graph.tensors["x"].zero_point
    scratch = PORTABLE.scratch_bytes(graph, operator)
    if fold:
        bias, zero_point = fold_zero_point(graph, operator)
    elif isinstance(operator, Conv2D) and zero_point != 0 and operator.padding == Padding():
        scratch += 4 * len(bias)  # the kernel folds what the code generator did not
    kernel = operator.weight.shape[1:3] if isinstance(operator, Conv2D) else operator.weight.shape[:2]
    words = [
        *(*graph.tensors["x"].shape, *graph.tensors["y"].shape, *kernel, *operator.stride),
        *(operator.padding.top, operator.padding.left, zero_point, graph.tensors["y"].zero_point, scratch),
    ]
    return words, [operator.weight, bias, *weighted_requantization(graph, operator)]


@several
@given(case=convolutions(depthwise=False), fold=st.booleans())
def test_conv2d(peer: KernelPeer, case: tuple[IntegerGraph, np.ndarray], fold: bool) -> None:
    graph, values = case
    words, arrays = convolution_words(graph, fold)
    assert peer.run(c.CONV2D, words, *arrays, values) == (c.OK, expected(graph, values))


@several
@given(case=convolutions(depthwise=True), fold=st.booleans())
def test_depthwise_conv2d(peer: KernelPeer, case: tuple[IntegerGraph, np.ndarray], fold: bool) -> None:
    graph, values = case
    words, arrays = convolution_words(graph, fold)
    assert peer.run(c.DEPTHWISE_CONV2D, words, *arrays, values) == (c.OK, expected(graph, values))


@several
@given(st.integers(1, 70), st.integers(1, 9), zero_points, zero_points, st.lists(scales, min_size=9, max_size=9), seeds)
def test_fully_connected(
    peer: KernelPeer, inputs: int, outputs: int, zx: int, zy: int, scale: list[float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    weight = codes(rng, (outputs, inputs))
    operator = FullyConnected("op", "x", "y", weight, np.array(scale[:outputs], np.float32), draw_bias(rng, outputs))
    graph = one_operator(operator, Tensor("x", (1, 1, inputs), 1.0, zx), Tensor("y", (1, 1, outputs), 1.0, zy))
    assume_in_range(graph, operator)
    values = codes(rng, (1, 1, inputs))
    for bias, zero_point in ((operator.bias, zx), fold_zero_point(graph, operator)):
        arrays = [weight, bias, *weighted_requantization(graph, operator), values]
        answer = peer.run(c.FULLY_CONNECTED, [inputs, outputs, zero_point, zy], *arrays)
        assert answer == (c.OK, expected(graph, values))


@several
@given(st.tuples(scales, scales, scales), st.tuples(zero_points, zero_points, zero_points), st.integers(0, 2), seeds)
def test_add(
    peer: KernelPeer, scale: tuple[float, float, float], zero: tuple[int, int, int], place: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shape = (2, 3, int(rng.integers(1, 20)))
    left, right, result = (Tensor(n, shape, s, z) for n, s, z in zip("abc", scale, zero, strict=True))
    operator = Add("op", "a", "b", "c")
    graph = IntegerGraph({"a": left, "b": right, "c": result}, (operator,), "a", "c")
    factors = add_requantization(graph, operator)
    # An output step so fine that its factor needs a left shift: |sum| < 2^28, so less than 3 bits stay inside int32.
    assume(factors.output_shift <= 2)
    x, y = codes(rng, shape), codes(rng, shape)
    words = [
        *(left.size, *zero, factors.left_multiplier, factors.left_shift, factors.right_multiplier),
        *(factors.right_shift, factors.output_multiplier, factors.output_shift, place),
    ]
    wanted = execute_operator(graph, operator, [x[np.newaxis], y[np.newaxis]], "fixed-point").tobytes()
    assert peer.run(c.ADD, words, x, y) == (c.OK, wanted)


@several
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 9), seeds)
def test_global_average_pool(peer: KernelPeer, height: int, width: int, channels: int, seed: int) -> None:
    values = codes(np.random.default_rng(seed), (height, width, channels))
    graph = one_operator(
        GlobalAveragePool("op", "x", "y"),
        Tensor("x", (height, width, channels), 1.0, 3),
        Tensor("y", (1, 1, channels), 1.0, 3),
    )
    answer = peer.run(c.GLOBAL_AVERAGE_POOL, [height, width, channels], values)
    assert answer == (c.OK, expected(graph, values))


@several
@given(seeds)
def test_requantization_over_the_whole_range(peer: KernelPeer, seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = 500
    shift = rng.integers(-31, 31, count)
    limit = 2 ** (31 - np.maximum(shift, 0).astype(np.int64))
    value = rng.integers(-limit, limit)
    value[:40] = np.tile([-limit[:10], limit[:10] - 1, np.zeros(10, np.int64), np.full(10, -1)], 1).ravel()
    shift[:40] = np.tile(shift[:10], 4)
    multiplier = rng.choice([0, 2**30, 2**31 - 1, *rng.integers(2**30, 2**31, 20)], count)
    arrays = [array.astype(np.int32) for array in (value, multiplier, shift)]
    status, answer = peer.run(c.REQUANTIZE, [count], *arrays)
    assert status == c.OK
    np.testing.assert_array_equal(
        np.frombuffer(answer, np.int32), multiply_by_quantized_multiplier(value, multiplier, shift)
    )


def test_halves_round_away_from_zero_at_the_second_rounding(peer: KernelPeer) -> None:
    # factor 2^30 * 2^(0-31) halves exactly (rounded up), shift -1 halves again (away from zero).
    value = np.array([2, -2, 6, -6, 1, -1], np.int32)
    arrays = [value, np.full(6, 2**30, np.int32), np.full(6, -1, np.int32)]
    _, answer = peer.run(c.REQUANTIZE, [6], *arrays)
    assert np.frombuffer(answer, np.int32).tolist() == [1, -1, 2, -2, 1, 0]


VALID = [3, 3, 2, 3, 3, 2, 3, 3, 1, 1, 1, 1, -5, 7, 0]


@pytest.mark.parametrize(("word", "value"), [(8, 0), (9, -1), (10, -1), (11, -2), (12, 128), (12, -129), (13, 300)])
@pytest.mark.parametrize("operation", [c.CONV2D, c.DEPTHWISE_CONV2D])
def test_bad_convolutions_are_refused_and_write_nothing(
    peer: KernelPeer, operation: int, word: int, value: int
) -> None:
    words = [*VALID]
    words[word] = value
    words[14] = 1000
    weights = np.zeros(2 * 9 * 2 if operation == c.CONV2D else 9 * 2, np.int8)
    channel = np.zeros(2, np.int32)
    status, output = peer.run(operation, words, weights, channel, channel, channel, np.ones(18, np.int8))
    assert (status, output) == (c.BAD_ARGUMENT, bytes(18))


def test_conv2d_without_its_scratch_is_refused(peer: KernelPeer) -> None:
    channel = np.zeros(2, np.int32)
    weights, values = np.zeros(36, np.int8), np.ones(18, np.int8)
    assert peer.run(c.CONV2D, VALID, weights, channel, channel, channel, values) == (c.BAD_ARGUMENT, bytes(18))


def test_depthwise_needs_as_many_outputs_as_inputs(peer: KernelPeer) -> None:
    words = [*VALID]
    words[5] = 1
    channel = np.zeros(1, np.int32)
    arrays = (np.zeros(18, np.int8), channel, channel, channel, np.ones(18, np.int8))
    assert peer.run(c.DEPTHWISE_CONV2D, words, *arrays)[0] == c.BAD_ARGUMENT


@pytest.mark.parametrize("word", [2, 3])
def test_bad_classifiers_are_refused(peer: KernelPeer, word: int) -> None:
    words = [4, 1, 0, 0]
    words[word] = -129
    channel = np.zeros(1, np.int32)
    arrays = (np.zeros(4, np.int8), channel, channel, channel, np.ones(4, np.int8))
    assert peer.run(c.FULLY_CONNECTED, words, *arrays) == (c.BAD_ARGUMENT, bytes(1))


@pytest.mark.parametrize(("word", "value"), [(1, 128), (2, -129), (3, 200), (5, 1), (7, 2)])
def test_bad_additions_are_refused(peer: KernelPeer, word: int, value: int) -> None:
    words = [2, 0, 0, 0, 2**30, 0, 2**30, 0, 2**30, 0, 0]
    words[word] = value
    assert peer.run(c.ADD, words, np.ones(2, np.int8), np.ones(2, np.int8)) == (c.BAD_ARGUMENT, bytes(2))

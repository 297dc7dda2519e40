"""Every C kernel equals the numpy reference bit for bit, on shapes and numbers that no network has."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.backends.cortex_m.portable import portable_kernel
from pipeline.graph.fixed_point import multiply_by_quantized_multiplier
from pipeline.graph.ir import Conv2D, DepthwiseConv2D, IntegerGraph
from tests.firmware import peer as c
from tests.firmware.cases import (
    additions,
    classifier_words,
    classifiers,
    codes,
    convolution_words,
    convolutions,
    expected,
    one_operator,
    poolings,
    seeds,
    several,
)
from tests.firmware.peer import KernelPeer
from tests.graph.graphs import GraphBuilder


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
@given(case=st.one_of(convolutions(depthwise=False), convolutions(depthwise=True)))
def test_an_output_over_its_input_is_the_same(peer: KernelPeer, case: tuple[IntegerGraph, np.ndarray]) -> None:
    graph, values = case
    (operator,) = graph.operators
    operation = c.CONV2D if isinstance(operator, Conv2D) else c.DEPTHWISE_CONV2D
    (lead,) = portable_kernel(graph, operator).leads
    words, arrays = convolution_words(graph, fold=True, lead=lead)
    assert peer.run(operation, words, *arrays, values) == (c.OK, expected(graph, values))


def test_a_shorter_lead_destroys_what_is_still_to_be_read(peer: KernelPeer) -> None:
    builder = GraphBuilder(np.random.default_rng(5))
    builder.depthwise(builder.add_input((6, 7, 5)))
    (operator,) = builder.operators
    assert isinstance(operator, DepthwiseConv2D)
    graph = one_operator(replace(operator, input="x", output="y"), builder.tensors["input"], builder.tensors["t1"])
    values = codes(np.random.default_rng(6), (6, 7, 5))
    (lead,) = portable_kernel(graph, graph.operators[0]).leads
    assert lead is not None and 7 * 5 < lead < 6 * 7 * 5
    for shorter, same in ((lead, True), (lead // 2, False)):
        words, arrays = convolution_words(graph, fold=True, lead=shorter)
        answer = peer.run(c.DEPTHWISE_CONV2D, words, *arrays, values)
        assert (answer == (c.OK, expected(graph, values))) == same


@several
@given(case=classifiers(), fold=st.booleans())
def test_fully_connected(peer: KernelPeer, case: tuple[IntegerGraph, np.ndarray], fold: bool) -> None:
    graph, values = case
    words, arrays = classifier_words(graph, fold)
    assert peer.run(c.FULLY_CONNECTED, words, *arrays, values) == (c.OK, expected(graph, values))


@several
@given(case=additions())
def test_add(peer: KernelPeer, case: tuple[list[int], np.ndarray, np.ndarray, bytes]) -> None:
    words, x, y, wanted = case
    assert peer.run(c.ADD, words, x, y) == (c.OK, wanted)


@several
@given(case=poolings())
def test_global_average_pool(peer: KernelPeer, case: tuple[list[int], np.ndarray, bytes]) -> None:
    words, values, wanted = case
    assert peer.run(c.GLOBAL_AVERAGE_POOL, words, values) == (c.OK, wanted)


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


VALID = [3, 3, 2, 3, 3, 2, 3, 3, 1, 1, 1, 1, -5, 7, 0, -1]


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

"""The adapters to CMSIS-NN equal the reference bit for bit, wherever the code generator chooses them.

CMSIS-NN is compiled for this computer here, which is its plain C: the vector variants run in the emulator
(tests/runners/test_kernels_on_cores.py).
"""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.backends.cortex_m.cmsis_nn import cmsis_nn
from pipeline.backends.cortex_m.kernel import Kernel, Simd
from pipeline.backends.cortex_m.windows import window_size
from pipeline.graph.ir import Conv2D, DepthwiseConv2D, IntegerGraph, Padding
from tests.firmware import peer as c
from tests.firmware.cases import (
    additions,
    classifier_words,
    classifiers,
    convolution_words,
    convolutions,
    expected,
    poolings,
    several,
)
from tests.firmware.peer import KernelPeer
from tests.graph.graphs import GraphBuilder

pytestmark = pytest.mark.slow

Case = tuple[IntegerGraph, np.ndarray]


def chosen(graph: IntegerGraph, simd: Simd = "none") -> Kernel:
    (operator,) = graph.operators
    return cmsis_nn(simd).choose(graph, operator)


@several
@given(case=st.one_of(convolutions(depthwise=False), convolutions(depthwise=True)), fold=st.booleans())
def test_convolutions(cmsis_nn_peer: KernelPeer, case: Case, fold: bool) -> None:
    graph, values = case
    kernel = chosen(graph)
    assume(kernel.function in c.CMSIS_NN)
    for lead in {None, *kernel.leads}:
        words, arrays = convolution_words(graph, fold, kernel.scratch_bytes, lead)
        answer = cmsis_nn_peer.run(c.CMSIS_NN[kernel.function], words, *arrays, values)
        assert answer == (c.OK, expected(graph, values))


@several
@given(case=convolutions(depthwise=True), fold=st.booleans())
def test_gathered_depthwise_convolutions(cmsis_nn_peer: KernelPeer, case: Case, fold: bool) -> None:
    # Chosen with the DSP extension or Helium only; on this computer CMSIS-NN falls back to its plain C.
    graph, values = case
    kernel = chosen(graph, "mve")
    assume(kernel.function in c.CMSIS_NN)
    words, arrays = convolution_words(graph, fold, kernel.scratch_bytes)
    answer = cmsis_nn_peer.run(c.CMSIS_NN[kernel.function], words, *arrays, values)
    assert answer == (c.OK, expected(graph, values))


@several
@given(case=classifiers(), fold=st.booleans())
def test_fully_connected(cmsis_nn_peer: KernelPeer, case: Case, fold: bool) -> None:
    graph, values = case
    words, arrays = classifier_words(graph, fold)
    answer = cmsis_nn_peer.run(c.CMSIS_NN[chosen(graph).function], words, *arrays, values)
    assert answer == (c.OK, expected(graph, values))


@several
@given(case=additions())
def test_add(cmsis_nn_peer: KernelPeer, case: tuple[list[int], np.ndarray, np.ndarray, bytes]) -> None:
    words, x, y, wanted = case
    assert cmsis_nn_peer.run(c.CMSIS_NN["sixfold_cmsis_nn_add"], words, x, y) == (c.OK, wanted)


@several
@given(case=poolings())
def test_global_average_pool(cmsis_nn_peer: KernelPeer, case: tuple[list[int], np.ndarray, bytes]) -> None:
    words, values, wanted = case
    operation = c.CMSIS_NN["sixfold_cmsis_nn_global_average_pool"]
    assert cmsis_nn_peer.run(operation, words, values) == (c.OK, wanted)


@several
@given(
    case=st.one_of(convolutions(depthwise=False), convolutions(depthwise=True)),
    simd=st.sampled_from(("none", "dsp", "mve")),
)
def test_planned_scratch_is_what_cmsis_nn_asks_for(cmsis_nn_peer: KernelPeer, case: Case, simd: Simd) -> None:
    graph, _ = case
    (operator,) = graph.operators
    assert isinstance(operator, Conv2D | DepthwiseConv2D)
    kernel = chosen(graph, simd)
    depthwise = isinstance(operator, DepthwiseConv2D)
    padding = (operator.padding.top, operator.padding.left)
    # The sizes of all cores are only offered for CMSIS-NN's own choice of function, which is another than ours for one
    # row of input and for strides over single pixels, and has no depthwise size without vector instructions.
    assume(kernel.function in c.CMSIS_NN and graph.tensors["x"].shape[0] > 1 and (simd != "none" or not depthwise))
    assume(window_size(operator) != (1, 1) or padding != (0, 0) or kernel.function == "sixfold_cmsis_nn_convolve_1x1")
    words = [
        *(*graph.tensors["x"].shape, *graph.tensors["y"].shape, *window_size(operator), *operator.stride, *padding),
        *(depthwise, simd == "mve"),
    ]
    status, answer = cmsis_nn_peer.run(c.CMSIS_NN_SCRATCH, [int(word) for word in words])
    assert (status, int.from_bytes(answer, "little")) == (c.OK, kernel.scratch_bytes)


VALID = [3, 3, 2, 3, 3, 2, 3, 3, 1, 1, 1, 1, -5, 7, 1000, -1]


@pytest.mark.parametrize("function", ["convolve", "depthwise", "depthwise_3x3"])
@pytest.mark.parametrize(("word", "value"), [(8, 0), (9, -1), (10, -1), (11, -2), (12, 128), (13, 300)])
def test_bad_convolutions_are_refused(cmsis_nn_peer: KernelPeer, function: str, word: int, value: int) -> None:
    words = [*VALID]
    words[word] = value
    assert _refused(cmsis_nn_peer, function, words)


@pytest.mark.parametrize(
    ("function", "word", "value"),
    [
        ("convolve", 14, 71),  # scratch: two windows of 18 int16
        ("convolve_1x1", 10, 1),  # a window that is no pixel
        ("depthwise_3x3", 11, 2),  # a first window whose middle column is left of the input
        ("depthwise_3x3", 4, 5),  # a last window whose middle column is right of it
        ("depthwise", 10, 3),  # a first window above the input
        ("depthwise", 3, 5),  # a last window below it
    ],
)
def test_shapes_that_a_function_cannot_do_are_refused(
    cmsis_nn_peer: KernelPeer, function: str, word: int, value: int
) -> None:
    words = [*VALID]
    words[word] = value
    assert _refused(cmsis_nn_peer, function, words)


def _refused(peer: KernelPeer, function: str, words: list[int]) -> bool:
    weights = np.zeros(36 if function.startswith("convolve") else 18, np.int8)
    channel = np.zeros(2, np.int32)
    operation = c.CMSIS_NN[f"sixfold_cmsis_nn_{function}"]
    status, output = peer.run(operation, words, weights, channel, channel, channel, np.ones(18, np.int8))
    return (status, output) == (c.BAD_ARGUMENT, bytes(len(output)))


@pytest.mark.parametrize(
    ("padding", "width", "simd", "function"),
    [
        (Padding(1, 1, 1, 1), 4, "dsp", "sixfold_cmsis_nn_depthwise_3x3"),
        (Padding(1, 1, 1, 1), 4, "mve", "sixfold_cmsis_nn_depthwise"),
        (Padding(0, 0, 0, 2), 1, "dsp", "sixfold_depthwise_conv2d"),  # the middle column is padding
        (Padding(3, 0, 0, 0), 4, "dsp", "sixfold_depthwise_conv2d"),  # the first window is padding
        (Padding(1, 2, 1, 2), 4, "dsp", "sixfold_cmsis_nn_depthwise"),
        (Padding(1, 2, 1, 2), 4, "none", "sixfold_depthwise_conv2d"),
    ],
)
def test_the_function_follows_from_shape_and_core(padding: Padding, width: int, simd: Simd, function: str) -> None:
    builder = GraphBuilder(np.random.default_rng(0))
    builder.depthwise(builder.add_input((4, width, 4)), 3, 1, padding)
    graph = IntegerGraph(dict(builder.tensors), tuple(builder.operators), builder.input, "t1")
    assert chosen(graph, simd).function == function


@pytest.mark.parametrize(
    ("depth", "simd", "function", "leads"),
    [
        (8, "dsp", "sixfold_conv2d", True),  # fewer instructions, and in place
        (9, "dsp", "sixfold_cmsis_nn_convolve_1x1", False),  # through all pixels for every two channels
        (8, "mve", "sixfold_cmsis_nn_convolve_1x1", True),
    ],
)
def test_1x1_convolutions_of_few_channels(depth: int, simd: Simd, function: str, leads: bool) -> None:
    builder = GraphBuilder(np.random.default_rng(0))
    builder.conv(builder.add_input((4, 4, depth)), 16)
    kernel = chosen(IntegerGraph(dict(builder.tensors), tuple(builder.operators), builder.input, "t1"), simd)
    assert kernel.function == function
    assert (kernel.leads != (None,)) == leads


@pytest.mark.parametrize(("channels", "leads"), [(124, 1), (125, 0)])
def test_helium_goes_through_the_image_once_up_to_its_block_of_channels(channels: int, leads: int) -> None:
    builder = GraphBuilder(np.random.default_rng(0))
    builder.depthwise(builder.add_input((4, 4, channels)))
    graph = IntegerGraph(dict(builder.tensors), tuple(builder.operators), builder.input, "t1")
    assert len(chosen(graph, "mve").leads) == leads

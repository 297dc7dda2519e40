"""Cases of the streaming kernels on shapes and numbers that no network has, with what the reference computes.

Drawn from a seed rather than by strategies: an emulated board runs hundreds of them in one start.
"""

import struct
from dataclasses import dataclass, replace

import numpy as np

from pipeline.backends.cortex_m.accumulators import check_accumulators
from pipeline.backends.cortex_m.streaming.constants import requantization
from pipeline.backends.cortex_m.streaming.layout import STRIP, Layout, Packed, saved_bytes
from pipeline.graph.fixed_point import add_requantization, weighted_requantization
from pipeline.graph.ir import (
    Add,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    IntegerGraph,
    Padding,
    Tensor,
    Weighted,
)
from pipeline.graph.reference import execute_operator
from tests.firmware.cases import codes

BLOCK, SUM, CLASSIFY, ADD = range(4)
_SIDES = Padding(0, 1, 0, 1)


@dataclass(frozen=True)
class Case:
    """What the peer reads, the output that it must answer, and a line that says what it is."""

    request: bytes
    answer: bytes
    text: str


@dataclass(frozen=True)
class _Layer:
    """One weighted operator with its tensors."""

    graph: IntegerGraph
    operator: Weighted

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The output codes of ``(height, width, channels)``."""
        return execute_operator(self.graph, self.operator, [values[np.newaxis]], "fixed-point")[0]


def block_case(seed: int, layout: Layout) -> Case:
    """Three rows through expand, depthwise and project."""
    return _block_case(seed, layout, 50, 69)


def deep_block_case(seed: int, layout: Layout) -> Case:
    """The same with as many channels as the last blocks of a network have."""
    return _block_case(seed, layout, 8, 240)


def _block_case(seed: int, layout: Layout, widest: int, deepest: int) -> Case:
    rng = np.random.default_rng(seed)
    width = int(rng.integers(1, widest + 1))
    inputs, middle, outputs = (int(rng.choice([rng.integers(1, 12), rng.integers(1, deepest + 1)])) for _ in range(3))
    stride = int(rng.integers(1, 3))
    strip = STRIP * int(rng.integers(1, 6))
    expand = _weighted(rng, "pointwise", (3, width, inputs), middle)
    code = expand.graph.tensors["y"].zero_point
    out_width = (width - 1) // stride + 1
    depthwise = _weighted(rng, "depthwise", (3, width, middle), middle, stride, code)
    project = _weighted(rng, "pointwise", (1, out_width, middle), outputs)
    pixels = codes(rng, (3, width, inputs))
    padding = int(rng.choice([0, 0, 1, 4, 2, 5]))
    top, tiled = int(rng.integers(3)), stride == 2 and bool(rng.integers(2))

    expanded = expand(pixels)
    expanded[[row for row in range(3) if padding >> row & 1]] = code
    answer = project(depthwise(expanded))
    longest, out_longest = min(strip, width), min(strip, out_width)
    in_ring = longest if tiled else width
    made = -(-longest // 2) if tiled else out_longest
    words = [
        *(width, strip, top, padding, tiled, code),
        *(layout.ring_bytes(in_ring, middle, 3), saved_bytes(width, middle) if tiled else 0),
        *(layout.panel_bytes(inputs, longest), layout.panel_bytes(middle, made)),
    ]
    operators = [_packed(layer, layout, expands=layer is expand) for layer in (expand, depthwise, project)]
    cut = f"{'tiles' if tiled else 'strips'} of {strip}"
    text = f"block {seed}: width {width}, {inputs}-{middle}-{outputs}, stride {stride}, {cut}, zero {code}"
    return _case(BLOCK, words, [*operators, pixels.tobytes()], answer, text)


def sum_case(seed: int, layout: Layout) -> Case:
    """One row through expand, then summed."""
    rng = np.random.default_rng(seed)
    width, strip = int(rng.integers(1, 51)), STRIP * int(rng.integers(1, 6))
    inputs, outputs = int(rng.integers(1, 40)), int(rng.integers(1, 70))
    expand = _weighted(rng, "pointwise", (1, width, inputs), outputs)
    pixels = codes(rng, (1, width, inputs))
    sums = rng.integers(-(2**24), 2**24, outputs).astype(np.int32)
    answer = (sums + expand(pixels).astype(np.int64).sum(axis=(0, 1))).astype(np.int32)
    words = [width, strip, layout.ring_bytes(width, outputs, 1), layout.panel_bytes(inputs, min(strip, width))]
    arrays = [_packed(expand, layout, expands=True), pixels.tobytes(), sums.tobytes()]
    return _case(SUM, words, arrays, answer, f"sum {seed}: width {width}, {inputs}-{outputs}, strip {strip}")


def classify_case(seed: int, layout: Layout) -> Case:
    """A classifier."""
    rng = np.random.default_rng(seed)
    inputs, outputs = int(rng.integers(1, 300)), int(rng.integers(1, 40))
    layer = _weighted(rng, "classifier", (1, 1, inputs), outputs)
    features = codes(rng, (1, 1, inputs))
    arrays = [_packed(layer, layout, expands=False), features.tobytes()]
    return _case(CLASSIFY, [], arrays, layer(features), f"classify {seed}: {inputs}-{outputs}")


def add_case(seed: int, layout: Layout) -> Case:
    """A residual addition; the layout has no part in it."""
    del layout
    rng = np.random.default_rng(seed)
    shape = (1, 1, int(rng.integers(1, 200)))
    while True:
        tensors = {name: Tensor(name, shape, _scale(rng, 0), _zero_point(rng)) for name in "lro"}
        graph = IntegerGraph(tensors, (), "l", "o")
        operator = Add("add", "l", "r", "o")
        factors = add_requantization(graph, operator)
        # |sum| < 2^28, so less than 3 bits of a left shift stay inside int32.
        if factors.output_shift <= 2:
            break
    left, right = codes(rng, shape), codes(rng, shape)
    words = [
        *(shape[2], *(tensor.zero_point for tensor in tensors.values())),
        *(factors.left_multiplier, factors.left_shift, factors.right_multiplier, factors.right_shift),
        *(factors.output_multiplier, factors.output_shift, int(rng.integers(3))),
    ]
    answer = execute_operator(graph, operator, [left[np.newaxis], right[np.newaxis]], "fixed-point")
    return _case(ADD, words, [left.tobytes(), right.tobytes()], answer, f"add {seed}: {words}")


def _case(operation: int, words: list[int], arrays: list[bytes], answer: np.ndarray, text: str) -> Case:
    request = struct.pack(f"<{len(words) + 1}i", operation, *words) + b"".join(arrays)
    return Case(request, answer.tobytes(), text)


def _packed(layer: _Layer, layout: Layout, *, expands: bool) -> bytes:
    """What `take_pointwise` or `take_depthwise` of the peer reads."""
    operator = layer.operator
    numbers = requantization(layer.graph, operator)
    packed: Packed
    match operator:
        case Conv2D():
            weight = operator.weight.reshape(len(operator.weight), -1)
            packed, first = layout.pack_pointwise(weight, numbers, expands=expands), weight.shape[::-1]
        case FullyConnected():
            packed, first = layout.pack_classifier(operator.weight, numbers), operator.weight.shape[::-1]
        case DepthwiseConv2D():
            packed = layout.pack_depthwise(operator.weight, numbers)
            first = (operator.weight.shape[2], operator.stride[1])
    data = packed.words.astype("<u4").tobytes()
    return struct.pack("<5i", *first, numbers.zero_point, packed.saturates, len(data)) + data


def _zero_point(rng: np.random.Generator) -> int:
    return int(rng.choice([-128, -128, -128, 127, 0, rng.integers(-128, 128)]))


def _scale(rng: np.random.Generator, most: int) -> float:
    """From a power of two's edges, where multipliers are least and largest, to any number between."""
    power = np.float32(2.0 ** int(rng.integers(-34, most + 1)))
    return float(rng.choice([power, np.nextafter(power, np.float32(0)), power * np.float32(rng.uniform(0.5, 1))]))


def _weighted(
    rng: np.random.Generator,
    kind: str,
    shape: tuple[int, int, int],
    channels: int,
    stride: int = 1,
    zero_point: int | None = None,
) -> _Layer:
    """A random operator: half of them with scales that spread the codes, half with any that int32 allows.

    Args:
        rng: where it comes from.
        kind: pointwise, depthwise or classifier.
        shape: of its input; a depthwise convolution makes one row of its three.
        channels: of its output.
        stride: horizontal.
        zero_point: of its input.
    """
    source = Tensor("x", shape, 1.0, _zero_point(rng) if zero_point is None else zero_point)
    rows = 1 if kind == "depthwise" else shape[0]
    result = Tensor("y", (rows, (shape[1] - 1) // stride + 1, channels), 1.0, _zero_point(rng))
    graph = IntegerGraph({"x": source, "y": result}, (), "x", "y")
    taps = 9 if kind == "depthwise" else shape[2]
    natural = rng.integers(2) == 0
    if natural:
        scale = (40 / (70 * 50 * np.sqrt(taps)) * rng.uniform(0.5, 1.5, channels)).astype(np.float32)
        bias = rng.integers(-3000, 3000, channels).astype(np.int32)
    else:
        scale = np.array([_scale(rng, 12) for _ in range(channels)], np.float32)
        bias = rng.integers(-(2 ** rng.integers(1, 31)), 2 ** rng.integers(1, 31), channels).astype(np.int32)
    operator: Weighted
    match kind:
        case "depthwise":
            # One row of three, so that the vertical stride has no say.
            weight = codes(rng, (3, 3, channels))
            operator = DepthwiseConv2D("op", "x", "y", weight, scale, bias, (1, stride), _SIDES)
        case "classifier":
            operator = FullyConnected("op", "x", "y", codes(rng, (channels, taps)), scale, bias)
        case _:
            # Trained weights are symmetric: -127 is the least.
            weight = np.maximum(codes(rng, (channels, 1, 1, taps)), -127 if natural else -128)
            operator = Conv2D("op", "x", "y", weight.astype(np.int8), scale, bias)
    return _Layer(graph, _within_int32(graph, operator))


def _within_int32(graph: IntegerGraph, operator: Weighted) -> Weighted:
    """The operator with those channels tamed that could leave int32."""
    weight = np.abs(operator.weight.astype(np.int64))
    magnitude = weight.sum(axis=(0, 1) if isinstance(operator, DepthwiseConv2D) else tuple(range(1, weight.ndim)))
    _, shift = weighted_requantization(graph, operator)
    bound = np.abs(operator.bias.astype(np.int64)) + 256 * magnitude
    wild = bound >= 2**31 >> np.maximum(shift.astype(np.int64), 0)
    scale = np.where(wild, np.float32(2.0**-8), operator.weight_scale)
    tamed = replace(operator, weight_scale=scale, bias=np.where(wild, 0, operator.bias).astype(np.int32))
    check_accumulators(graph, tamed)
    return tamed

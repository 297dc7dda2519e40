"""Graphs that no network of ours has, for properties: any padding, stride, range and extreme factors."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from pipeline.graph.ir import (
    NO_PADDING,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    GlobalAveragePool,
    IntegerGraph,
    Operator,
    Padding,
)
from tests.graph.graphs import RELU6_SCALE, GraphBuilder


@st.composite
def networks(draw: st.DrawFn) -> IntegerGraph:
    """One to four convolutions and additions, then pooling and a classifier."""
    builder = GraphBuilder(np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
    sizes = st.integers(5, 13)
    last = builder.add_input((draw(sizes), draw(sizes), draw(st.integers(1, 5))))
    for _ in range(draw(st.integers(1, 4))):
        last = draw(_layers(builder, last))
    return _stretched(draw, builder.build(builder.fully_connected(builder.pool(last), draw(st.integers(1, 7)))))


@st.composite
def _layers(draw: st.DrawFn, builder: GraphBuilder, last: str) -> str:
    height, width, channels = builder.tensors[last].shape
    relu6 = draw(st.booleans())
    if draw(st.booleans()) and draw(st.booleans()):
        return builder.add(last, builder.conv(last, channels, relu6=relu6))
    kernel = draw(st.sampled_from([k for k in (1, 3, 5) if k <= min(height, width)]))
    padding = NO_PADDING if kernel == 1 else draw(st.builds(Padding, *[st.integers(0, 3)] * 4))
    stride = draw(st.integers(1, 3))
    if draw(st.booleans()):
        return builder.depthwise(last, kernel, stride, padding, relu6)
    return builder.conv(last, draw(st.integers(1, 9)), kernel, stride, padding, relu6)


def _stretched(draw: st.DrawFn, graph: IntegerGraph) -> IntegerGraph:
    """The same layers with ReLU6 ranges below 6 and weight scales from 2^-12 to 2^8 times as large."""
    tensors = dict(graph.tensors)
    for name, tensor in tensors.items():
        if tensor.scale == RELU6_SCALE:
            tensors[name] = replace(tensor, scale=float(np.float32(tensor.scale * draw(st.floats(0.05, 1)))))
    for operator in graph.operators:
        if isinstance(operator, GlobalAveragePool):
            tensors[operator.output] = replace(tensors[operator.output], scale=tensors[operator.input].scale)
    changed = IntegerGraph(tensors, graph.operators, graph.input, graph.output)
    factors = [2.0 ** draw(st.integers(-12, 8)) for _ in graph.operators]
    operators = tuple(_scaled(changed, op, factor) for op, factor in zip(graph.operators, factors, strict=True))
    return IntegerGraph(tensors, operators, graph.input, graph.output)


def _scaled(graph: IntegerGraph, operator: Operator, factor: float) -> Operator:
    if not isinstance(operator, Conv2D | DepthwiseConv2D | FullyConnected):
        return operator
    # A factor above one shifts the accumulator to the left; that may not carry it out of int32, in C neither.
    accumulator = 255 * np.abs(operator.weight.astype(np.int64)).sum() + np.abs(operator.bias.astype(np.int64)).max()
    ratio = graph.tensors[operator.output].scale / graph.tensors[operator.input].scale
    limit = 2.0**29 / accumulator * ratio
    scale = np.minimum(operator.weight_scale * factor, limit).astype(np.float32)
    return replace(operator, weight_scale=scale)

"""What a layout packs: integers of the graph's weighted operators, zero points folded into the biases."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from pipeline.backends.cortex_m.streaming.layout import Layout, Packed, Requantization
from pipeline.backends.cortex_m.streaming.structure import Ending, Unit
from pipeline.graph.fixed_point import weighted_requantization
from pipeline.graph.ir import Conv2D, DepthwiseConv2D, IntegerGraph, Weighted


def requantization(graph: IntegerGraph, operator: Weighted) -> Requantization:
    """From accumulators to codes, for an operator whose padding is filled with the input's zero point.

    ``sum (x - z) w = sum x w - z sum w`` then holds at the borders too. That no sum leaves int32 is the caller's
    promise (:func:`pipeline.backends.cortex_m.accumulators.check_accumulators`).
    """
    weight = operator.weight.astype(np.int64)
    per_channel = (np.moveaxis(weight, -1, 0) if isinstance(operator, DepthwiseConv2D) else weight).reshape(
        len(operator.bias), -1
    )
    zero_point = graph.tensors[operator.input].zero_point
    bias = operator.bias.astype(np.int64) - zero_point * per_channel.sum(axis=1)
    multiplier, shift = weighted_requantization(graph, operator)
    return Requantization(
        bias.astype(np.int32),
        multiplier,
        shift,
        graph.tensors[operator.output].zero_point,
        np.abs(bias) + 128 * np.abs(per_channel).sum(axis=1),
    )


def pack_convolution(graph: IntegerGraph, layout: Layout, operator: Conv2D, *, expands: bool) -> Packed:
    """Constants of a matrix product, the stem's 3x3 convolution among them."""
    weight = operator.weight.reshape(len(operator.bias), -1)
    return layout.pack_pointwise(weight, requantization(graph, operator), expands=expands)


def packed_unit(graph: IntegerGraph, layout: Layout, unit: Unit) -> tuple[Packed, Packed, Packed]:
    """Constants of a unit's expansion, depthwise convolution and projection."""
    return (
        pack_convolution(graph, layout, unit.expand, expands=True),
        layout.pack_depthwise(unit.depthwise.weight, requantization(graph, unit.depthwise)),
        pack_convolution(graph, layout, unit.project, expands=False),
    )


def packed_ending(
    graph: IntegerGraph, layout: Layout, ending: Ending, parts: Sequence[int]
) -> tuple[tuple[Packed, ...], Packed]:
    """Constants of the last convolution, cut into parts of so many output channels, and of the classifier."""
    cut = (pack_convolution(graph, layout, part, expands=True) for part in _parts(ending.expand, parts))
    numbers = requantization(graph, ending.classifier)
    return tuple(cut), layout.pack_classifier(ending.classifier.weight, numbers)


def constant_bytes(
    graph: IntegerGraph, layout: Layout, units: Iterable[Unit], ending: Ending, parts: Sequence[int]
) -> int:
    """Size of all packed constants."""
    cut, classifier = packed_ending(graph, layout, ending, parts)
    packed = [*(one for unit in units for one in packed_unit(graph, layout, unit)), *cut, classifier]
    return sum(one.words.nbytes for one in packed)


def _parts(operator: Conv2D, parts: Sequence[int]) -> Iterator[Conv2D]:
    """The convolution, so many of its output channels at a time."""
    first = 0
    for count in parts:
        own = slice(first, first + count)
        weight, scale, bias = operator.weight[own], operator.weight_scale[own], operator.bias[own]
        yield replace(operator, weight=weight, weight_scale=scale, bias=bias)
        first += count

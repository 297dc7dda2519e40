"""What a layout packs: integers of the graph's weighted operators, zero points folded into the biases."""

import numpy as np

from pipeline.backends.cortex_m.streaming.layout import Requantization
from pipeline.graph.fixed_point import weighted_requantization
from pipeline.graph.ir import DepthwiseConv2D, IntegerGraph, Weighted


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

"""The integers that a weighted operator starts from: folded biases, and the proof that int32 is wide enough."""

import numpy as np
import numpy.typing as npt

from pipeline.backends.cortex_m.windows import has_padding
from pipeline.errors import SixfoldError
from pipeline.graph.fixed_point import weighted_requantization
from pipeline.graph.ir import DepthwiseConv2D, Int32Array, IntegerGraph, Weighted

_LIMIT = 2**31


def fold_zero_point(graph: IntegerGraph, operator: Weighted) -> tuple[Int32Array, int]:
    """Bias and input zero point for the kernel, with the zero point folded into the bias where that is exact.

    ``sum (x - z) w = sum x w - z sum w`` needs every tap inside the input, so an operator with padding keeps both.

    Returns:
        ``(bias int32 (out channels,), input zero point)``; the zero point is 0 when it was folded.
    """
    zero_point = graph.tensors[operator.input].zero_point
    if has_padding(operator):
        return operator.bias, zero_point
    folded = operator.bias.astype(np.int64) - zero_point * _per_channel(operator).sum(axis=1)
    return folded.astype(np.int32), 0


def check_accumulators(graph: IntegerGraph, operator: Weighted) -> None:
    """Prove that no sum in any order, folded or not, and no shift before the multiplication leaves int32.

    Raises:
        SixfoldError: it may, for some input; names the operator.
    """
    magnitude = np.abs(_per_channel(operator)).sum(axis=1)
    # 255 bounds |x - z| and 256 bounds |x| + |z| of the folded form; partial sums are bounded likewise.
    bound = np.abs(operator.bias.astype(np.int64)) + 256 * magnitude
    _, shift = weighted_requantization(graph, operator)
    if (bound >= _LIMIT >> np.maximum(shift.astype(np.int64), 0)).any():
        raise SixfoldError(
            f"layer {operator.name}: an accumulator can leave int32 (bias up to {np.abs(operator.bias).max()}); "
            "its weight scales are far from those of a trained network"
        )


def _per_channel(operator: Weighted) -> npt.NDArray[np.int64]:
    """Weights as int64 ``(out channels, taps)``."""
    weight = operator.weight.astype(np.int64)
    if isinstance(operator, DepthwiseConv2D):
        weight = np.moveaxis(weight, -1, 0)
    return weight.reshape(len(weight), -1)

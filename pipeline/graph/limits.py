"""What parameters must be for the integer arithmetic to be defined on every input: checked where a file is read."""

import numpy as np
import numpy.typing as npt

from pipeline.graph.fixed_point import ADD_LEFT_SHIFT, quantize_multiplier
from pipeline.graph.ir import Float32Array, Int8Array, Int32Array, Tensor

#: Relative difference allowed between a bias's scale and input scale x weight scale: a few float32 roundings.
BIAS_SCALE_TOLERANCE = 1e-5


#: Elements of one activation; the largest of MobileNetV2 1.4 at 224x224 has 1.7 million.
MOST_ELEMENTS = 2**26
#: Strides, rows or columns of padding and kernels.
LONGEST_WINDOW = 2**15


def weights_objection(
    weight: Int8Array, scale: Float32Array, bias: Int32Array, source: Tensor, result: Tensor, channel_axis: int
) -> str | None:
    """Why these parameters cannot be used, in words; None if they can.

    Args:
        weight: int8, zero point 0.
        scale: float32 ``(output channels,)``.
        bias: int32 ``(output channels,)``.
        source: what is multiplied.
        result: what it is requantised to.
        channel_axis: of `weight`.
    """
    if not np.isfinite(scale).all() or (scale <= 0).any():
        return "a weight scale is not a finite number above 0"
    with np.errstate(over="ignore", under="ignore"):
        product = np.float32(source.scale) * scale
    if not np.isfinite(product).all() or (product < np.finfo(np.float32).tiny).any():
        return "input scale x weight scale is no float32"
    largest = largest_accumulator(weight, bias, channel_axis)
    if (largest >= 2**31).any():
        return "weights and bias can overflow the int32 accumulator"
    factor = np.float64(source.scale) * scale.astype(np.float64) / np.float64(result.scale)
    if (factor >= 2.0**30).any():
        return "input scale x weight scale / output scale has no fixed-point factor"
    _, shift = quantize_multiplier(factor)
    if (largest << np.maximum(shift, 0).astype(np.int64) >= 2**31).any():
        return "the accumulator times its factor can overflow int32"
    return None


def addition_objection(left: Tensor, right: Tensor, result: Tensor) -> str | None:
    """Why two tensors cannot be added to this result, in words; None if they can.

    ADD's factors are below 1 by its specification; only that of the sum can break it.
    """
    if 2 * max(left.scale, right.scale) >= 2.0**ADD_LEFT_SHIFT * result.scale:
        return f"its result's scale {result.scale:g} is a millionth of its input's"
    return None


def largest_accumulator(weight: Int8Array, bias: Int32Array, channel_axis: int) -> npt.NDArray[np.int64]:
    """Bound on the accumulator's magnitude per output channel; a centred code has at most 255 steps."""
    by_channel = np.moveaxis(weight, channel_axis, 0).reshape(len(bias), -1).astype(np.int64)
    bound: npt.NDArray[np.int64] = np.abs(by_channel).sum(axis=1) * 255 + np.abs(bias.astype(np.int64))
    return bound


def bias_scale_agrees(bias_scale: Float32Array, source: Tensor, scale: Float32Array) -> bool:
    """Whether the bias counts in steps of the accumulator."""
    with np.errstate(over="ignore", under="ignore"):
        expected = np.float32(source.scale) * scale
        return bool(np.allclose(bias_scale, expected, rtol=BIAS_SCALE_TOLERANCE, atol=0))

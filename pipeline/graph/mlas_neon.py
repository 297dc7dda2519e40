"""Where ONNX Runtime (MLAS) on Arm rounds otherwise than on x86: addition, which is fixed point there.

Its convolutions and its pooling are those of :mod:`pipeline.graph.float_requantization` on both. Arm's kernel is MLAS's
``MlasQLinearAddKernel`` for NEON; it takes the same codes as the uint8 twin, and an offset of both code and zero point
changes nothing.
"""

import numpy as np

from pipeline.graph.ir import Int8Array, Tensor

#: The larger multiplier is in [2^21, 2^22).
_MULTIPLIER_BITS = 21

#: Ratios of an input's scale to the output's that the kernel takes; a plain float loop adds beyond them.
_LEAST_RATIO, _RATIO_LIMIT = 2.0**-14, 2.0**8


def takes_addition(left_tensor: Tensor, right_tensor: Tensor, result: Tensor) -> bool:
    """Whether the kernel computes this addition: both ratios of scales are in its range.

    It narrows the sum to 16 bits without saturation, so a sum that can leave them is not taken either.
    """
    ratios = [np.float32(t.scale) / np.float32(result.scale) for t in (left_tensor, right_tensor)]
    within = all(_LEAST_RATIO <= ratio < _RATIO_LIMIT for ratio in ratios)
    return within and 255 * float(sum(ratios)) < 2**15 - 1


def add(left: Int8Array, right: Int8Array, left_tensor: Tensor, right_tensor: Tensor, result: Tensor) -> Int8Array:
    """Sum of two int8 tensors in the result's codes.

    Both ratios of scales become integers in steps of one power of two, chosen by the larger ratio; the exact sum is
    shifted back, half away from zero.
    """
    left_ratio, right_ratio = (np.float32(t.scale) / np.float32(result.scale) for t in (left_tensor, right_tensor))
    # frexp's mantissa is in [0.5, 1): its exponent is one more than the float's own.
    shift = _MULTIPLIER_BITS + 1 - int(np.frexp(max(left_ratio, right_ratio))[1])
    # A product with a power of two is exact; C's lrintf rounds half to even, as rint does.
    left_multiplier, right_multiplier = (int(np.rint(np.ldexp(ratio, shift))) for ratio in (left_ratio, right_ratio))
    total = (left.astype(np.int64) - left_tensor.zero_point) * left_multiplier
    total += (right.astype(np.int64) - right_tensor.zero_point) * right_multiplier
    codes = ((total - (total < 0) + (1 << (shift - 1))) >> shift) + result.zero_point
    saturated: Int8Array = np.clip(codes, -128, 127).astype(np.int8)
    return saturated

"""Where XNNPACK, which LiteRT uses on larger processors, rounds otherwise than ONNX Runtime: addition and pooling.

Its convolutions are those of :mod:`pipeline.graph.float_requantization`, bit for bit. Addition is fixed point with
multipliers of 21 bits and one rounding. Average pooling is not XNNPACK's at all: it takes no int8 pooling, so LiteRT's
own kernel runs, which is that of the fixed-point family.
"""

import numpy as np

from pipeline.graph.ir import Int8Array, Tensor

#: Fraction bits of the larger multiplier, which is thereby in [2^20, 2^21].
_MULTIPLIER_BITS = 20

#: Least ratio of an input's scale to the output's that XNNPACK takes; LiteRT's own kernel adds where one is below. From
#: 2^8 on, where one step of an input is all codes of the output, nothing is defined.
_LEAST_RATIO = 2.0**-10


def takes_addition(left_tensor: Tensor, right_tensor: Tensor, result: Tensor) -> bool:
    """Whether XNNPACK computes this addition; otherwise it is the fixed-point family's."""
    return all(np.float32(t.scale) / np.float32(result.scale) >= _LEAST_RATIO for t in (left_tensor, right_tensor))


def add(left: Int8Array, right: Int8Array, left_tensor: Tensor, right_tensor: Tensor, result: Tensor) -> Int8Array:
    """Sum of two int8 tensors in the result's codes.

    Both ratios of scales become integers in steps of one power of two, chosen by the larger ratio; the exact sum is
    shifted back, half up.
    """
    left_ratio, right_ratio = (np.float32(t.scale) / np.float32(result.scale) for t in (left_tensor, right_tensor))
    # frexp's mantissa is in [0.5, 1): its exponent is one more than the float's own.
    shift = _MULTIPLIER_BITS + 1 - int(np.frexp(max(left_ratio, right_ratio))[1])
    # A product with a power of two is exact; C's lrintf rounds half to even, as rint does.
    left_multiplier, right_multiplier = (int(np.rint(np.ldexp(ratio, shift))) for ratio in (left_ratio, right_ratio))
    total = (left.astype(np.int64) - left_tensor.zero_point) * left_multiplier
    total += (right.astype(np.int64) - right_tensor.zero_point) * right_multiplier
    codes = ((total + (1 << (shift - 1))) >> shift) + result.zero_point
    saturated: Int8Array = np.clip(codes, -128, 127).astype(np.int8)
    return saturated

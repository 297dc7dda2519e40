"""Fixed-point requantisation, exactly as TensorFlow Lite's reference kernels (and TFLM, CMSIS-NN) define it.

A real factor is stored as an int32 multiplier ``M`` in [2^30, 2^31) and a shift: ``factor = M * 2^(shift - 31)``.
Source: the TensorFlow Lite 8-bit quantisation specification and its ``QuantizeMultiplier`` /
``MultiplyByQuantizedMultiplier`` (double rounding); Jacob et al. 2018, section 2.2.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.graph.ir import Add, Int32Array, IntegerGraph, Weighted

#: Bits by which ADD shifts its inputs up before scaling them, so that the sum keeps sub-step precision.
ADD_LEFT_SHIFT = 20

Int64Array = npt.NDArray[np.int64]


def quantize_multiplier(factor: npt.ArrayLike) -> tuple[Int32Array, Int32Array]:
    """Split positive real factors into int32 multipliers and shifts.

    Args:
        factor: any shape, finite, >= 0; taken as float64, as TensorFlow Lite does.

    Returns:
        ``(multiplier, shift)`` of the factor's shape; a factor below 2^-32 becomes 0 (the specification's
        underflow), one at or above 2^31 has no representation.

    Raises:
        ValueError: a factor is negative, not finite or too large.
    """
    real = np.asarray(factor, np.float64)
    if not (np.isfinite(real).all() and (real >= 0).all() and (real < 2.0**30).all()):
        raise ValueError("a requantisation factor must be finite and in [0, 2^30)")
    mantissa, exponent = np.frexp(real)
    # frexp's mantissa is in [0.5, 1). TensorFlow Lite rounds half away from zero (std::round), which for positive
    # values is floor(x + 0.5); the product is exact in float64 because a mantissa has 53 bits.
    multiplier = np.floor(mantissa * 2.0**31 + 0.5).astype(np.int64)
    shift = exponent.astype(np.int64)
    overflow = multiplier == 2**31
    multiplier = np.where(overflow, 2**30, multiplier)
    shift = np.where(overflow, shift + 1, shift)
    underflow = shift < -31
    return (
        np.where(underflow, 0, multiplier).astype(np.int32),
        np.where(underflow, 0, shift).astype(np.int32),
    )


def multiply_by_quantized_multiplier(
    value: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike
) -> Int64Array:
    """Scale int32 values: saturating rounding doubling high multiply, then rounding right shift.

    Args:
        value: int32 values; ``value << max(shift, 0)`` must stay within int32, as in the C kernels.
        multiplier: from :func:`quantize_multiplier`, broadcast against `value`.
        shift: likewise.

    Returns:
        int64 array (values fit int32).
    """
    x = np.asarray(value, np.int64)
    m = np.asarray(multiplier, np.int64)
    s = np.asarray(shift, np.int64)
    product = (x << np.maximum(s, 0)) * m
    # The specification adds a nudge by sign and divides towards zero; for a divisor of twice the nudge this is
    # the arithmetic shift of the sum, that is rounding half up.
    high = (product + (1 << 30)) >> 31
    exponent = np.maximum(-s, 0)
    mask = (np.int64(1) << exponent) - 1
    remainder = high & mask
    threshold = (mask >> 1) + (high < 0)
    rounded: Int64Array = (high >> exponent) + (remainder > threshold)
    return rounded


def weighted_requantization(graph: IntegerGraph, operator: Weighted) -> tuple[Int32Array, Int32Array]:
    """Multiplier and shift per output channel of a convolution or classifier: input x weight / output scale.

    Returns:
        Two int32 arrays ``(out channels,)``.
    """
    source, result = graph.tensors[operator.input], graph.tensors[operator.output]
    # The order of the float64 operations is TensorFlow Lite's; another order may differ in the last bit.
    factor = np.float64(np.float32(source.scale)) * operator.weight_scale.astype(np.float64)
    return quantize_multiplier(factor / np.float64(np.float32(result.scale)))


@dataclass(frozen=True)
class AddRequantization:
    """The three factors of TensorFlow Lite's ADD.

    Both inputs, less their zero points, are shifted left by :data:`ADD_LEFT_SHIFT` and scaled to a common step of
    twice the larger input scale over 2^20; the sum is scaled to the output. All multipliers are below one.
    """

    left_multiplier: int
    left_shift: int
    right_multiplier: int
    right_shift: int
    output_multiplier: int
    output_shift: int


def add_requantization(graph: IntegerGraph, operator: Add) -> AddRequantization:
    """Factors of a residual addition."""
    left, right, result = (
        np.float64(np.float32(graph.tensors[name].scale)) for name in (operator.left, operator.right, operator.output)
    )
    twice_larger = 2 * max(left, right)
    factors = np.array([left / twice_larger, right / twice_larger, twice_larger / ((1 << ADD_LEFT_SHIFT) * result)])
    multiplier, shift = quantize_multiplier(factors)
    return AddRequantization(
        left_multiplier=int(multiplier[0]),
        left_shift=int(shift[0]),
        right_multiplier=int(multiplier[1]),
        right_shift=int(shift[1]),
        output_multiplier=int(multiplier[2]),
        output_shift=int(shift[2]),
    )

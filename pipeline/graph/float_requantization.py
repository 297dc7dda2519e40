"""Float requantisation, exactly as ONNX Runtime's integer kernels (MLAS) compute it.

Every operation is float32, in this order; another order can differ where a value falls next to a rounding tie.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.graph.ir import Float32Array, Int8Array, IntegerGraph, Tensor, Weighted


def weighted_factor(graph: IntegerGraph, operator: Weighted) -> Float32Array:
    """Input scale x weight scale / output scale, float32 ``(out channels,)``."""
    source, result = graph.tensors[operator.input], graph.tensors[operator.output]
    factor: Float32Array = np.float32(source.scale) * operator.weight_scale / np.float32(result.scale)
    return factor


def pool_factor(count: int) -> np.float32:
    """Factor of a mean over `count` elements whose input and output have one scale."""
    return np.float32(1) / np.float32(count)


def requantize(accumulator: npt.NDArray[np.int64], factor: npt.ArrayLike, zero_point: int) -> Int8Array:
    """Scale an int32 accumulator to int8 codes: float32 product, round half to even, saturate.

    Args:
        accumulator: integers that fit int32, any shape.
        factor: float32, broadcast against the last axis.
        zero_point: of the result.
    """
    scaled = accumulator.astype(np.float32) * np.asarray(factor, np.float32)
    return saturate(np.rint(scaled) + np.float32(zero_point))


@dataclass(frozen=True)
class AddTerms:
    """The float32 constants of an addition: ``result = left * left_ratio + (right * right_ratio + constant)``.

    Codes and zero points are those of the uint8 twin, larger by 128.
    """

    left_ratio: np.float32
    right_ratio: np.float32
    constant: np.float32


def add_terms(left: Tensor, right: Tensor, result: Tensor) -> AddTerms:
    """Gather the scales and zero points of an addition as MLAS does."""
    left_ratio = np.float32(left.scale) / np.float32(result.scale)
    right_ratio = np.float32(right.scale) / np.float32(result.scale)
    left_zero, right_zero, zero = (np.float32(t.zero_point + 128) for t in (left, right, result))
    constant = zero - _fused_multiply_add(left_ratio, left_zero, right_ratio * right_zero)
    return AddTerms(left_ratio, right_ratio, np.float32(constant))


def add(left: Int8Array, right: Int8Array, left_tensor: Tensor, right_tensor: Tensor, result: Tensor) -> Int8Array:
    """Sum of two int8 tensors in the result's codes.

    This is MLAS's AVX2 kernel on the uint8 twin: the zero points are gathered in one constant, then right and left are
    added, each by a fused multiply-add. With other rounding (no FMA, signed codes) about one in 50 000 code pairs lands
    on the other side of a tie.
    """
    terms = add_terms(left_tensor, right_tensor, result)
    total = _fused_multiply_add(right.astype(np.float32) + 128, terms.right_ratio, terms.constant)
    total = _fused_multiply_add(left.astype(np.float32) + 128, terms.left_ratio, total)
    return saturate(np.rint(total) - 128)


def _fused_multiply_add(a: npt.ArrayLike, b: npt.ArrayLike, c: npt.ArrayLike) -> Float32Array:
    """``a * b + c`` of float32 values, rounded once.

    An 8-bit code times a 24-bit factor has 32 bits, so product and sum are exact in float64 unless the addend is
    over 2^20 times larger or smaller, where the rounding cannot fall on a tie of int8 codes.
    """
    exact = np.asarray(a, np.float64) * np.asarray(b, np.float64) + np.asarray(c, np.float64)
    return exact.astype(np.float32)


def saturate(codes: Float32Array) -> Int8Array:
    """Clip to -128..127 and narrow."""
    return np.clip(codes, -128, 127).astype(np.int8)

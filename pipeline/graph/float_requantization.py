"""Float requantisation, exactly as ONNX Runtime's integer kernels (MLAS) compute it.

Every operation is float32, in this order; another order can differ where a value falls on a rounding tie.
"""

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


def add(left: Int8Array, right: Int8Array, left_tensor: Tensor, right_tensor: Tensor, result: Tensor) -> Int8Array:
    """Sum of two int8 tensors in the result's codes; the zero points are gathered in one constant first."""
    left_ratio = np.float32(left_tensor.scale) / np.float32(result.scale)
    right_ratio = np.float32(right_tensor.scale) / np.float32(result.scale)
    constant = np.float32(result.zero_point) - (
        left_ratio * np.float32(left_tensor.zero_point) + right_ratio * np.float32(right_tensor.zero_point)
    )
    total = constant + left.astype(np.float32) * left_ratio
    return saturate(np.rint(total + right.astype(np.float32) * right_ratio))


def saturate(codes: Float32Array) -> Int8Array:
    """Clip to -128..127 and narrow."""
    return np.clip(codes, -128, 127).astype(np.int8)

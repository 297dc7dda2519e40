"""The integer graph executed in numpy: what every artefact is compared with, bit for bit.

Accumulation is exact in both arithmetic families; they differ only in how an accumulator becomes an int8 code:

* ``fixed-point``: int32 multiplier and shift (TFLite reference kernels, TFLM, CMSIS-NN, our firmware);
* ``float``: multiplication by a float32 factor, round half to even (ONNX Runtime, TVM, OpenVINO);
* ``xnnpack``: of the float family too, but addition and pooling round as LiteRT with XNNPACK does;
* ``mlas-neon``: likewise, addition as ONNX Runtime does on Arm.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.graph import fixed_point, float_requantization, mlas_neon, xnnpack
from pipeline.graph.ir import (
    Add,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    GlobalAveragePool,
    Int8Array,
    IntegerGraph,
    Operator,
    Padding,
    Weighted,
)

Family: TypeAlias = Literal["fixed-point", "float", "xnnpack", "mlas-neon"]
Int64Array: TypeAlias = npt.NDArray[np.int64]

#: Samples computed together: bounds the memory of im2col without making the matrix products small.
_BATCH = 16


def execute(
    graph: IntegerGraph, inputs: Int8Array, family: Family, progress: Callable[[int], None] | None = None
) -> Int8Array:
    """Run the graph.

    Args:
        graph: the integer graph.
        inputs: int8 ``(samples, height, width, channels)`` in the input tensor's codes.
        family: arithmetic family.
        progress: called with the number of samples done since its last call.

    Returns:
        int8 ``(samples, classes)``.
    """
    outputs = []
    for start in range(0, len(inputs), _BATCH):
        batch = np.asarray(inputs[start : start + _BATCH])
        outputs.append(execute_all(graph, batch, family)[graph.output].reshape(len(batch), -1))
        if progress is not None:
            progress(len(batch))
    return np.concatenate(outputs)


def execute_all(graph: IntegerGraph, inputs: Int8Array, family: Family) -> dict[str, Int8Array]:
    """Run the graph and keep every tensor: name to int8 ``(samples, height, width, channels)``.

    Raises:
        ValueError: `inputs` is not int8 of the graph's input shape.
    """
    expected = graph.tensors[graph.input].shape
    if inputs.dtype != np.int8 or inputs.shape[1:] != expected:
        raise ValueError(f"inputs are {inputs.dtype} {inputs.shape[1:]}, the graph takes int8 {expected}")
    values: dict[str, Int8Array] = {graph.input: inputs}
    for operator in graph.operators:
        values[operator.output] = execute_operator(graph, operator, [values[n] for n in operator.inputs], family)
    return values


def execute_operator(graph: IntegerGraph, operator: Operator, inputs: list[Int8Array], family: Family) -> Int8Array:
    """Run one operator on int8 ``(samples, height, width, channels)`` inputs."""
    match operator:
        case Conv2D() | DepthwiseConv2D() | FullyConnected():
            return _requantize_weighted(graph, operator, accumulate(graph, operator, inputs[0]), family)
        case Add():
            return _add(graph, operator, inputs[0], inputs[1], family)
        case GlobalAveragePool():
            return _global_average_pool(graph, operator, inputs[0], family)


def accumulate(graph: IntegerGraph, operator: Weighted, values: Int8Array) -> Int64Array:
    """The exact accumulator of a weighted operator, before requantisation.

    Args:
        graph: the integer graph.
        operator: convolution, depthwise convolution or classifier.
        values: int8 ``(samples, height, width, channels)``.

    Returns:
        int64 ``(samples, height, width, out channels)``; the values fit int32 for any graph that the reader accepts.
    """
    centred = values.astype(np.float64) - graph.tensors[operator.input].zero_point
    samples = len(values)
    height, width, channels = graph.tensors[operator.output].shape
    # Every product and partial sum is an integer below 2^53, so float64 (and its fast matrix product) is exact in
    # whatever order it adds.
    match operator:
        case FullyConnected():
            total = centred.reshape(samples, -1) @ operator.weight.astype(np.float64).T
        case Conv2D():
            rows, columns = operator.weight.shape[1:3]
            taps = _taps(_pad(centred, operator.padding), (rows, columns), operator.stride, (height, width))
            matrix = operator.weight.reshape(channels, -1).astype(np.float64).T
            total = np.concatenate(taps, axis=-1).reshape(-1, matrix.shape[0]) @ matrix
        case DepthwiseConv2D():
            rows, columns = operator.weight.shape[:2]
            taps = _taps(_pad(centred, operator.padding), (rows, columns), operator.stride, (height, width))
            total = np.zeros((samples, height, width, channels))
            for tap, weight in zip(taps, operator.weight.reshape(-1, channels).astype(np.float64), strict=True):
                total += tap * weight
    return total.astype(np.int64).reshape(samples, height, width, channels) + operator.bias


def _pad(values: npt.NDArray[np.float64], padding: Padding) -> npt.NDArray[np.float64]:
    """Surround centred values with zeros, which stand for the zero point."""
    return np.pad(values, ((0, 0), (padding.top, padding.bottom), (padding.left, padding.right), (0, 0)))


def _taps(
    padded: npt.NDArray[np.float64], kernel: tuple[int, int], stride: tuple[int, int], output: tuple[int, int]
) -> list[npt.NDArray[np.float64]]:
    """One strided view per kernel position, row by row: what that position multiplies at every output."""
    return [
        padded[
            :,
            row : row + (output[0] - 1) * stride[0] + 1 : stride[0],
            column : column + (output[1] - 1) * stride[1] + 1 : stride[1],
        ]
        for row in range(kernel[0])
        for column in range(kernel[1])
    ]


def _saturate(codes: npt.NDArray[np.int64] | npt.NDArray[np.float32]) -> Int8Array:
    return np.clip(codes, -128, 127).astype(np.int8)


def _requantize_weighted(graph: IntegerGraph, operator: Weighted, accumulator: Int64Array, family: Family) -> Int8Array:
    zero_point = graph.tensors[operator.output].zero_point
    if family != "fixed-point":
        factor = float_requantization.weighted_factor(graph, operator)
        return float_requantization.requantize(accumulator, factor, zero_point)
    multiplier, shift = fixed_point.weighted_requantization(graph, operator)
    return _saturate(fixed_point.multiply_by_quantized_multiplier(accumulator, multiplier, shift) + zero_point)


def _add(graph: IntegerGraph, operator: Add, left: Int8Array, right: Int8Array, family: Family) -> Int8Array:
    tensors = [graph.tensors[name] for name in (operator.left, operator.right, operator.output)]
    if family == "mlas-neon" and mlas_neon.takes_addition(*tensors):
        return mlas_neon.add(left, right, *tensors)
    if family in ("float", "mlas-neon"):
        return float_requantization.add(left, right, *tensors)
    if family == "xnnpack" and xnnpack.takes_addition(*tensors):
        return xnnpack.add(left, right, *tensors)
    factors = fixed_point.add_requantization(graph, operator)
    scaled = [
        fixed_point.multiply_by_quantized_multiplier(
            (values.astype(np.int64) - tensor.zero_point) << fixed_point.ADD_LEFT_SHIFT, multiplier, shift
        )
        for values, tensor, multiplier, shift in (
            (left, tensors[0], factors.left_multiplier, factors.left_shift),
            (right, tensors[1], factors.right_multiplier, factors.right_shift),
        )
    ]
    total = fixed_point.multiply_by_quantized_multiplier(
        scaled[0] + scaled[1], factors.output_multiplier, factors.output_shift
    )
    return _saturate(total + tensors[2].zero_point)


def _global_average_pool(
    graph: IntegerGraph, operator: GlobalAveragePool, values: Int8Array, family: Family
) -> Int8Array:
    count = values.shape[1] * values.shape[2]
    total = values.astype(np.int64).sum(axis=(1, 2), keepdims=True)
    if family in ("float", "mlas-neon"):
        tensor = graph.tensors[operator.input]
        factor = float_requantization.pool_factor(count)
        return float_requantization.requantize(total - count * tensor.zero_point, factor, tensor.zero_point)
    # AVERAGE_POOL_2D of TensorFlow Lite: half away from zero on the raw codes; C divides towards zero.
    nudged = total + np.where(total > 0, count // 2, -(count // 2))
    return _saturate(np.sign(nudged) * (np.abs(nudged) // count))

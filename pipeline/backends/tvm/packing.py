"""A weighted operator's constants in the order and with the padding that the kernels read."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.backends.tvm.isa import GROUP, InstructionSet
from pipeline.backends.tvm.storage import Storage
from pipeline.errors import SixfoldError
from pipeline.graph import float_requantization
from pipeline.graph.ir import Conv2D, DepthwiseConv2D, FullyConnected, Int8Array, IntegerGraph, Weighted

Packed = tuple[npt.NDArray[Any], npt.NDArray[np.int32], npt.NDArray[np.float32]]


def pack(graph: IntegerGraph, operator: Weighted, isa: InstructionSet, source: Storage, result: Storage) -> Packed:
    """Weights, bias with the input's zero point folded in, and factor, each flat; padding channels are all zero.

    Raises:
        SixfoldError: an accumulator could leave 32 bits, or a weight is one that the instructions cannot take.
    """
    _check_range(operator, isa)
    spare = result.pixel - result.channels
    match operator:
        case DepthwiseConv2D():
            kernel = operator.weight.reshape(-1, result.channels)
            sums = kernel.sum(0, dtype=np.int64)
            weights: npt.NDArray[Any] = np.pad(kernel, ((0, 0), (0, spare))).astype(np.int16)
        case Conv2D():
            sums = operator.weight.sum((1, 2, 3), dtype=np.int64)
            weights = _pack_matrix(operator.weight, isa, source.pixel, result.pixel)
        case FullyConnected():
            sums = operator.weight.sum(1, dtype=np.int64)
            weights = _pack_matrix(operator.weight[:, np.newaxis, np.newaxis], isa, source.pixel, result.pixel)
    bias = (operator.bias - (source.zero_point + isa.offset) * sums).astype(np.int32)
    factor = float_requantization.weighted_factor(graph, operator)
    return weights.reshape(-1), np.pad(bias, (0, spare)), np.pad(factor, (0, spare))


def _pack_matrix(kernel: Int8Array, isa: InstructionSet, source_pixel: int, result_pixel: int) -> npt.NDArray[Any]:
    """Weights ``(out, rows, columns, in)`` as blocks of `lanes` output channels, each in steps of four inputs."""
    out, rows, columns, channels = kernel.shape
    whole = np.pad(kernel, ((0, result_pixel - out), (0, 0), (0, 0), (0, source_pixel - channels)))
    lines = whole.reshape(result_pixel, rows, columns * source_pixel)
    lines = np.pad(lines, ((0, 0), (0, 0), (0, -lines.shape[2] % GROUP)))
    blocks = lines.reshape(result_pixel // isa.lanes, isa.lanes, -1, GROUP).transpose(0, 2, 3, 1)
    return np.stack([isa.pack(block) for block in blocks])


def _check_range(operator: Weighted, isa: InstructionSet) -> None:
    """Whatever the inputs, and with the zero point folded into the bias, no accumulator may leave int32."""
    channels = -1 if isinstance(operator, DepthwiseConv2D) else 0
    others = tuple(axis for axis in range(operator.weight.ndim) if axis != channels % operator.weight.ndim)
    largest = np.abs(operator.bias.astype(np.int64)) + 2 * 255 * np.abs(operator.weight.astype(np.int64)).sum(others)
    if largest.max() >= 2**31:
        raise SixfoldError(f"operator {operator.name}: its accumulator can leave 32 bits; its bias is too large")
    if isa.activations == "int8" and operator.weight.min() == -128:
        raise SixfoldError(f"operator {operator.name}: a weight is -128; {isa.name} code takes -127 to 127")

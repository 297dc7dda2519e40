"""The decided encodings and codes as an integer graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.encoding import Encoding
from calibration.network import Layer, Network
from calibration.reconstruction import QuantizedWeights
from pipeline.graph.ir import (
    Add,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    GlobalAveragePool,
    IntegerGraph,
    Operator,
    Padding,
    Tensor,
)


def integer_graph(
    network: Network, encodings: Mapping[str, Encoding], weights: Mapping[str, QuantizedWeights]
) -> IntegerGraph:
    """The graph; tensors and operators have the names of the float model's layers.

    Args:
        network: gives structure and metadata.
        encodings: of all tensors; only scale and zero point are kept, the rest is in the weights already.
        weights: of all weighted layers.
    """
    channels, height, width = network.input_shape
    shapes = {network.input: (height, width, channels)}
    operators: list[Operator] = []
    for layer in network.layers:
        shapes[layer.name] = _output_shape(layer, shapes[layer.inputs[0]])
        operators.append(_operator(layer, weights.get(layer.name)))
    tensors = {
        name: Tensor(name, shape, float(encodings[name].scale), encodings[name].zero_point)
        for name, shape in shapes.items()
    }
    metadata = {key: value for key, value in network.metadata.items() if key.startswith("sixfold.")}
    return IntegerGraph(tensors, tuple(operators), network.input, network.output, metadata)


def _output_shape(layer: Layer, source: tuple[int, int, int]) -> tuple[int, int, int]:
    match layer.kind:
        case "add":
            return source
        case "pool":
            return (1, 1, source[2])
        case "linear":
            return (1, 1, len(layer.parameters()[0]))
        case _:
            weight, _ = layer.parameters()
            top, left, bottom, right = layer.padding
            return (
                (source[0] + top + bottom - weight.shape[2]) // layer.stride[0] + 1,
                (source[1] + left + right - weight.shape[3]) // layer.stride[1] + 1,
                len(weight),
            )


def _operator(layer: Layer, weights: QuantizedWeights | None) -> Operator:
    if layer.kind == "add":
        return Add(layer.name, layer.inputs[0], layer.inputs[1], layer.name)
    if layer.kind == "pool" or weights is None:
        return GlobalAveragePool(layer.name, layer.inputs[0], layer.name)
    names = (layer.name, layer.inputs[0], layer.name)
    scale, bias = _frozen(weights.scale, np.float32), _frozen(weights.bias, np.int32)
    if layer.kind == "linear":
        return FullyConnected(*names, _frozen(weights.codes, np.int8), scale, bias)
    padding = Padding(*layer.padding)
    if layer.kind == "depthwise":
        codes = _frozen(weights.codes[:, 0].transpose(1, 2, 0), np.int8)
        return DepthwiseConv2D(*names, codes, scale, bias, layer.stride, padding)
    return Conv2D(*names, _frozen(weights.codes.transpose(0, 2, 3, 1), np.int8), scale, bias, layer.stride, padding)


def _frozen(values: npt.NDArray[Any], dtype: type[Any]) -> npt.NDArray[Any]:
    """A contiguous, read-only copy."""
    copy = np.array(values, dtype, order="C")
    copy.setflags(write=False)
    return copy

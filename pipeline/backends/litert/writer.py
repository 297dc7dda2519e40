"""The integer graph as a TensorFlow Lite file, with every parameter as the graph has it.

No converter is involved, so nothing is quantised, folded or fused a second time. What is written where there is a
choice:

* **Versions** of operators are the oldest that define the int8 form, all of TensorFlow 1.14.
* **ReLU6** is written as the convolution's fused activation wherever it cannot change a code: where the output's zero
  point is -128 and its largest code stands for at most 6, saturation alone does it. It is written all the same because
  tools that read the file as a float network would otherwise lose the activation.
* **Padding** is SAME where that means the same rows and columns. At stride 2 it often does not, because SAME puts an
  odd row at the end and PyTorch at the start. Then either a PAD operator, which fills with the zero point, and a VALID
  convolution; or SAME with a border of zeros around the kernel, which computes the same without a second copy of the
  input in memory, for a few more multiply-adds. The caller chooses.
* **The classifier** is a convolution whose kernel covers its input: FULLY_CONNECTED with a scale per channel is version
  12, which older runtimes refuse.
* **Global average pooling** is AVERAGE_POOL_2D over the whole map, which averages codes as the graph's reference does.
  MEAN requantises and may differ.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pipeline.backends.litert.flatbuffer import ModelBuilder, Quantization
from pipeline.backends.litert.padding import same_padding, zero_border
from pipeline.graph.ir import (
    NO_PADDING,
    Add,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    GlobalAveragePool,
    Int8Array,
    IntegerGraph,
    Operator,
    Tensor,
    Weighted,
)

InputType: TypeAlias = Literal["int8", "uint8"]
PaddingStyle: TypeAlias = Literal["operator", "kernel"]

#: Under these names a runtime's signature API offers the network.
SIGNATURE, SIGNATURE_INPUT, SIGNATURE_OUTPUT = "serving_default", "image", "logits"

#: Metadata entry with the graph's hash; the graph's own metadata stand beside it under their own names.
GRAPH_HASH = "sixfold.graph_sha256"
#: Metadata entry with the names of the operators that have no weights, whose tensors tell the others' names.
UNWEIGHTED_NAMES = "sixfold.unweighted_operators"

#: First runtime that has every operator in the version that is written, and the metadata entry that says so.
_RUNTIME_VERSION, _MIN_RUNTIME = "min_runtime_version", "1.14.0"

_CODES = schema.BuiltinOperator
_OPTIONS = schema.BuiltinOptions
_ACTIVATIONS = schema.ActivationFunctionType
_INT8, _UINT8, _INT32 = schema.TensorType.INT8, schema.TensorType.UINT8, schema.TensorType.INT32

#: Oldest version of each operator that takes int8.
_VERSIONS = {
    _CODES.CONV_2D: 3,
    _CODES.DEPTHWISE_CONV_2D: 3,
    _CODES.ADD: 2,
    _CODES.AVERAGE_POOL_2D: 2,
    _CODES.PAD: 2,
    _CODES.QUANTIZE: 1,
}


def write_tflite(graph: IntegerGraph, input_type: InputType = "int8", padding: PaddingStyle = "operator") -> bytes:
    """Write the whole graph.

    Args:
        graph: the integer graph.
        input_type: ``uint8`` puts a QUANTIZE operator in front, whose input codes are larger by 128; for a graph
            whose input is ``pixel - 128`` these are the pixels themselves.
        padding: where SAME is not the graph's padding, ``operator`` writes PAD and ``kernel`` a border of zeros.

    Returns:
        A flatbuffer with one input ``(1, height, width, channels)`` of `input_type` and one int8 output
        ``(1, 1, 1, classes)``. Activation tensors have the graph's names. Same graph, same bytes.
    """
    writer = _Writer(graph, padding)
    entry = writer.entry(input_type)
    for operator in graph.operators:
        writer.write(operator)
    return writer.finish(entry)


def write_operator(graph: IntegerGraph, operator: Operator) -> bytes:
    """Write one operator alone, to check a runtime's arithmetic on identical inputs.

    Returns:
        A flatbuffer whose inputs and output are the operator's tensors, in the operator's order.
    """
    writer = _Writer(graph, "operator")
    for name in operator.inputs:
        writer.activation(graph.tensors[name])
    writer.write(operator)
    inputs = {name: writer.indices[name] for name in operator.inputs}
    return writer.model.finish(inputs, {operator.output: writer.indices[operator.output]}, SIGNATURE, operator.name)


@dataclass
class _Writer:
    graph: IntegerGraph
    padding: PaddingStyle
    model: ModelBuilder = field(default_factory=ModelBuilder)
    indices: dict[str, int] = field(default_factory=dict)

    def activation(self, tensor: Tensor) -> int:
        index = self.model.tensor(tensor.name, (1, *tensor.shape), _INT8, _quantization(tensor))
        self.indices[tensor.name] = index
        return index

    def entry(self, input_type: InputType) -> int:
        """Add the network's input and return its index."""
        tensor = self.graph.tensors[self.graph.input]
        if input_type == "int8":
            return self.activation(tensor)
        shifted = Quantization(np.array([tensor.scale], np.float32), tensor.zero_point + 128)
        index = self.model.tensor(f"{tensor.name}/uint8", (1, *tensor.shape), _UINT8, shifted)
        result = self.activation(tensor)
        self._operator(_CODES.QUANTIZE, [index], result, (_OPTIONS.QuantizeOptions, schema.QuantizeOptionsT()))
        return index

    def write(self, operator: Operator) -> None:
        """Append `operator`, whose inputs are there, and its output tensor."""
        match operator:
            case Conv2D() | DepthwiseConv2D() | FullyConnected():
                self._weighted(operator)
            case Add():
                inputs = [self.indices[operator.left], self.indices[operator.right]]
                self._operator(_CODES.ADD, inputs, self._output(operator), (_OPTIONS.AddOptions, schema.AddOptionsT()))
            case GlobalAveragePool():
                options = schema.Pool2DOptionsT()
                options.padding = schema.Padding.VALID
                options.strideH = options.strideW = 1
                options.filterHeight, options.filterWidth, _ = self.graph.tensors[operator.input].shape
                inputs = [self.indices[operator.input]]
                self._operator(
                    _CODES.AVERAGE_POOL_2D, inputs, self._output(operator), (_OPTIONS.Pool2DOptions, options)
                )

    def finish(self, entry: int) -> bytes:
        """Add the metadata and serialise the whole graph, whose input tensor is `entry`."""
        # The converter stores the version as 16 bytes padded with zeros, and readers expect that.
        self.model.add_metadata(_RUNTIME_VERSION, _MIN_RUNTIME.encode().ljust(16, b"\0"))
        self.model.add_metadata(GRAPH_HASH, self.graph.sha256().encode())
        unweighted = [op.name for op in self.graph.operators if isinstance(op, Add | GlobalAveragePool)]
        self.model.add_metadata(UNWEIGHTED_NAMES, json.dumps(unweighted, ensure_ascii=False).encode())
        for name, text in sorted(self.graph.metadata.items()):
            self.model.add_metadata(name, text.encode())
        outputs = {SIGNATURE_OUTPUT: self.indices[self.graph.output]}
        return self.model.finish({SIGNATURE_INPUT: entry}, outputs, SIGNATURE, "MobileNetV2, int8, by Sixfold")

    def _operator(self, code: int, inputs: list[int], output: int, options: tuple[int, Any]) -> None:
        self.model.operator(code, _VERSIONS[code], inputs, output, options)

    def _output(self, operator: Operator) -> int:
        return self.activation(self.graph.tensors[operator.output])

    def _weighted(self, operator: Weighted) -> None:
        source = self.graph.tensors[operator.input]
        weight, channel_axis = _tflite_weight(operator, source)
        same, index, weight = self._padded(operator, weight, source)
        scale = Quantization(operator.weight_scale, 0, channel_axis)
        # A bias is in steps of the accumulator; runtimes check that its scale says so.
        bias_scale = Quantization(np.float32(source.scale) * operator.weight_scale, 0)
        bias = operator.bias
        inputs = [
            index,
            self.model.tensor(f"{operator.name}/weight", weight.shape, _INT8, scale, weight),
            self.model.tensor(f"{operator.name}/bias", bias.shape, _INT32, bias_scale, bias.astype("<i4")),
        ]
        options: Any
        if isinstance(operator, DepthwiseConv2D):
            code, kind = _CODES.DEPTHWISE_CONV_2D, _OPTIONS.DepthwiseConv2DOptions
            options = schema.DepthwiseConv2DOptionsT()
            options.depthMultiplier = 1
        else:
            code, kind = _CODES.CONV_2D, _OPTIONS.Conv2DOptions
            options = schema.Conv2DOptionsT()
        options.padding = schema.Padding.SAME if same else schema.Padding.VALID
        options.strideH, options.strideW = (1, 1) if isinstance(operator, FullyConnected) else operator.stride
        options.dilationHFactor = options.dilationWFactor = 1
        relu6 = not isinstance(operator, FullyConnected) and saturates_as_relu6(self.graph.tensors[operator.output])
        options.fusedActivationFunction = _ACTIVATIONS.RELU6 if relu6 else _ACTIVATIONS.NONE
        self._operator(code, inputs, self._output(operator), (kind, options))

    def _padded(self, operator: Weighted, weight: Int8Array, source: Tensor) -> tuple[bool, int, Int8Array]:
        """Whether the operator pads by SAME, the tensor that it reads, and its weights, with a border if need be."""
        index = self.indices[source.name]
        if isinstance(operator, FullyConnected) or operator.padding == NO_PADDING:
            return False, index, weight
        size, kernel = (source.shape[0], source.shape[1]), (weight.shape[1], weight.shape[2])
        if operator.padding == same_padding(size, kernel, operator.stride):
            return True, index, weight
        border = zero_border(size, kernel, operator.stride, operator.padding)
        if self.padding == "operator" or border is None:
            return False, self._pad(operator, source), weight
        zeros = ((0, 0), (border.top, border.bottom), (border.left, border.right), (0, 0))
        return True, index, np.pad(weight, zeros)

    def _pad(self, operator: Conv2D | DepthwiseConv2D, source: Tensor) -> int:
        """Append a PAD operator, which fills with the zero point of its output; returns that tensor's index."""
        padding = operator.padding
        amounts = np.array([[0, 0], [padding.top, padding.bottom], [padding.left, padding.right], [0, 0]], "<i4")
        height, width, channels = source.shape
        shape = (1, height + padding.top + padding.bottom, width + padding.left + padding.right, channels)
        constant = self.model.tensor(f"{operator.name}/padding", amounts.shape, _INT32, data=amounts)
        padded = self.model.tensor(f"{operator.name}/padded", shape, _INT8, _quantization(source))
        inputs = [self.indices[source.name], constant]
        self._operator(_CODES.PAD, inputs, padded, (_OPTIONS.PadOptions, schema.PadOptionsT()))
        return padded


def saturates_as_relu6(tensor: Tensor) -> bool:
    """Whether clamping the tensor's real values to 0..6 changes no code, in the arithmetic of the runtimes.

    They clamp to the codes of 0 and 6, rounded to the nearest step.
    """
    return tensor.zero_point == -128 and tensor.zero_point + round(6 / tensor.scale) >= 127


def _quantization(tensor: Tensor) -> Quantization:
    return Quantization(np.array([tensor.scale], np.float32), tensor.zero_point)


def _tflite_weight(operator: Weighted, source: Tensor) -> tuple[Int8Array, int]:
    """Weights in TensorFlow Lite's order and the axis of their output channels."""
    match operator:
        case Conv2D():
            return operator.weight, 0
        case DepthwiseConv2D():
            return operator.weight[np.newaxis], 3
        case FullyConnected():
            return operator.weight.reshape(-1, *source.shape), 0

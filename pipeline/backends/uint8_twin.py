"""The uint8 twin: the integer graph as a QDQ ONNX model whose activations are uint8.

x86 runtimes have fast kernels for unsigned activations and signed weights only (the operand types of VNNI's
``vpdpbusd``); with signed activations they leave part of the network in float. Adding 128 to every activation code and
zero point changes no real value and no accumulator, so the twin's outputs are the graph's outputs plus 128.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

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
    Tensor,
    Weighted,
)

OPSET = 18
#: The IR version of opset 18's time: read by every runtime that reads opset 18.
IR_VERSION = 8

Uint8Array = npt.NDArray[np.uint8]


def to_uint8(codes: Int8Array) -> Uint8Array:
    """int8 codes to the twin's codes: + 128."""
    return (codes.astype(np.int16) + 128).astype(np.uint8)


def from_uint8(codes: Uint8Array) -> Int8Array:
    """The twin's codes to int8 codes: - 128."""
    return (codes.astype(np.int16) - 128).astype(np.int8)


def uint8_twin(graph: IntegerGraph) -> onnx.ModelProto:
    """Write the whole graph as a QDQ model.

    Returns:
        A model with input ``input`` uint8 ``(1, channels, height, width)`` and output ``output`` uint8
        ``(1, classes, 1, 1)``. Deterministic bytes.
    """
    return _model(graph, graph.operators, [graph.input], graph.output)


def operator_twin(graph: IntegerGraph, operator: Operator) -> onnx.ModelProto:
    """Write one operator as a QDQ model, to check a runtime's arithmetic on identical inputs.

    Returns:
        A model with uint8 inputs named as the operator's input tensors and the output named as its output tensor.
    """
    return _model(graph, [operator], operator.inputs, operator.output)


def _model(graph: IntegerGraph, operators: Iterable[Operator], inputs: Iterable[str], output: str) -> onnx.ModelProto:
    writer = _Writer(graph)
    for name in inputs:
        writer.dequantize(graph.tensors[name])
    for operator in operators:
        writer.operator(operator)
    proto = helper.make_graph(
        writer.nodes,
        "sixfold_uint8_twin",
        [_value_info(graph.tensors[name]) for name in inputs],
        [_value_info(graph.tensors[output])],
        writer.initializers,
    )
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    model.producer_name = "sixfold"
    for key, value in sorted(graph.metadata.items()):
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    return model


def _value_info(tensor: Tensor) -> onnx.ValueInfoProto:
    height, width, channels = tensor.shape
    return helper.make_tensor_value_info(tensor.name, TensorProto.UINT8, [1, channels, height, width])


class _Writer:
    """Collects nodes and initialisers; a tensor ``t`` is uint8 as ``t`` and real as ``t/real``."""

    def __init__(self, graph: IntegerGraph) -> None:
        self.graph = graph
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def parameters(self, tensor: Tensor) -> list[str]:
        """Names of the tensor's scale and (shifted) zero point."""
        scale, zero_point = f"{tensor.name}/scale", f"{tensor.name}/zero_point"
        if not any(i.name == scale for i in self.initializers):
            self.constant(scale, np.array(tensor.scale, np.float32))
            self.constant(zero_point, np.array(tensor.zero_point + 128, np.uint8))
        return [scale, zero_point]

    def dequantize(self, tensor: Tensor) -> None:
        self.nodes.append(
            helper.make_node(
                "DequantizeLinear",
                [tensor.name, *self.parameters(tensor)],
                [f"{tensor.name}/real"],
                name=f"{tensor.name}/dequantize",
            )
        )

    def operator(self, operator: Operator) -> None:
        inputs = [f"{name}/real" for name in operator.inputs]
        match operator:
            case Conv2D():
                weight = operator.weight.transpose(0, 3, 1, 2)
                node = self._conv(operator, weight, operator.stride, operator.padding, groups=1)
            case DepthwiseConv2D():
                weight = operator.weight.transpose(2, 0, 1)[:, np.newaxis]
                node = self._conv(operator, weight, operator.stride, operator.padding, groups=len(weight))
            case FullyConnected():
                # As a 1x1 convolution the classifier takes the same integer kernel as the rest of the network.
                node = self._conv(operator, operator.weight[:, :, np.newaxis, np.newaxis], (1, 1), Padding(), groups=1)
            case Add():
                node = helper.make_node("Add", inputs, [])
            case GlobalAveragePool():
                node = helper.make_node("GlobalAveragePool", inputs, [])
        node.name = operator.name
        node.output.append(f"{operator.output}/exact")
        result = self.graph.tensors[operator.output]
        quantize = helper.make_node(
            "QuantizeLinear",
            [f"{result.name}/exact", *self.parameters(result)],
            [result.name],
            name=f"{result.name}/quantize",
        )
        self.nodes += [node, quantize]
        if result.name != self.graph.output:
            self.dequantize(result)

    def _conv(
        self,
        operator: Weighted,
        weight: npt.NDArray[np.int8],
        stride: tuple[int, int],
        padding: Padding,
        groups: int,
    ) -> onnx.NodeProto:
        source = self.graph.tensors[operator.input]
        bias_scale = np.float32(source.scale) * operator.weight_scale
        for part, codes, scale in (
            ("weight", np.ascontiguousarray(weight), operator.weight_scale),
            ("bias", operator.bias, bias_scale),
        ):
            name = f"{operator.name}/{part}"
            inputs = [
                self.constant(name, codes),
                self.constant(f"{name}/scale", scale),
                self.constant(f"{name}/zero_point", np.zeros(len(scale), codes.dtype)),
            ]
            self.nodes.append(
                helper.make_node("DequantizeLinear", inputs, [f"{name}/real"], name=f"{name}/dequantize", axis=0)
            )
        return helper.make_node(
            "Conv",
            [f"{operator.input}/real", f"{operator.name}/weight/real", f"{operator.name}/bias/real"],
            [],
            kernel_shape=weight.shape[2:],
            strides=stride,
            pads=[padding.top, padding.left, padding.bottom, padding.right],
            group=groups,
        )

"""Writes the integer graph as an ONNX model of DequantizeLinear, float operator, QuantizeLinear triples (QDQ).

Every runtime that knows the pattern replaces a triple by one integer operator.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from pipeline.graph.ir import (
    NO_PADDING,
    Add,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    GlobalAveragePool,
    IntegerGraph,
    Operator,
    Padding,
    Tensor,
    Weighted,
)

OPSET = 18
#: The IR version of opset 18's time: read by every runtime that reads opset 18.
IR_VERSION = 8


def int8_qdq(graph: IntegerGraph) -> onnx.ModelProto:
    """The graph as ``model.int8.onnx``: :func:`pipeline.graph.reader.read_graph` reads the same graph back.

    Returns:
        A model with float32 input ``(1, channels, height, width)`` and float32 output ``(1, classes)``.
    """
    writer = _Int8Writer(graph)
    writer.quantize(graph.tensors[graph.input])
    for operator in graph.operators:
        writer.operator(operator)
    return writer.model(
        "sixfold_int8",
        [helper.make_tensor_value_info(graph.input, onnx.TensorProto.FLOAT, planar(graph.tensors[graph.input]))],
        [
            helper.make_tensor_value_info(
                f"{graph.output}/real", onnx.TensorProto.FLOAT, [1, graph.tensors[graph.output].shape[2]]
            )
        ],
    )


def planar(tensor: Tensor) -> list[int]:
    """The shape in ONNX's layout: ``[1, channels, height, width]``."""
    height, width, channels = tensor.shape
    return [1, channels, height, width]


@dataclass(frozen=True)
class Names:
    """What a tensor's three values are called in the file."""

    exact: str
    codes: str
    real: str


class QdqWriter(ABC):
    """Collects nodes and initialisers; subclasses decide names, the code type and how the classifier is written."""

    #: Added to every code and zero point.
    offset: int
    code_type: type[np.generic]

    def __init__(self, graph: IntegerGraph) -> None:
        self.graph = graph
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}

    @abstractmethod
    def names(self, tensor: Tensor) -> Names:
        """Names of the operator's exact result, its codes and the real value of the codes."""

    @abstractmethod
    def fully_connected(self, operator: FullyConnected) -> onnx.NodeProto:
        """The classifier's node, less name and output."""

    def model(
        self, name: str, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        """The collected nodes as a checked model with the graph's metadata."""
        proto = helper.make_graph(self.nodes, name, inputs, outputs, list(self.initializers.values()))
        model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        model.producer_name = "sixfold"
        for key, value in sorted(self.graph.metadata.items()):
            model.metadata_props.add(key=key, value=value)
        onnx.checker.check_model(model)
        return model

    def quantize(self, tensor: Tensor) -> None:
        """Exact value to codes to real value."""
        names = self.names(tensor)
        self.node("QuantizeLinear", [names.exact, *self._parameters(tensor)], names.codes)
        self.dequantize(tensor)

    def dequantize(self, tensor: Tensor) -> None:
        """Codes to real value."""
        names = self.names(tensor)
        self.node("DequantizeLinear", [names.codes, *self._parameters(tensor)], names.real)

    def node(self, kind: str, inputs: Sequence[str], output: str) -> None:
        """Append a node named as its output."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"{output}/{kind}"))

    def operator(self, operator: Operator) -> None:
        """Append an operator and the quantisation of its result."""
        inputs = [self.names(self.graph.tensors[name]).real for name in operator.inputs]
        match operator:
            case Conv2D():
                weight = operator.weight.transpose(0, 3, 1, 2)
                node = self.convolution(operator, weight, operator.stride, operator.padding)
            case DepthwiseConv2D():
                weight = operator.weight.transpose(2, 0, 1)[:, np.newaxis]
                node = self.convolution(operator, weight, operator.stride, operator.padding, groups=len(weight))
            case FullyConnected():
                node = self.fully_connected(operator)
            case Add():
                node = helper.make_node("Add", inputs, [])
            case GlobalAveragePool():
                node = helper.make_node("GlobalAveragePool", inputs, [])
        result = self.graph.tensors[operator.output]
        node.name = operator.name
        node.output.append(self.names(result).exact)
        self.nodes.append(node)
        self.quantize(result)

    def convolution(
        self,
        operator: Weighted,
        weight: npt.NDArray[np.int8],
        stride: tuple[int, int] = (1, 1),
        padding: Padding = NO_PADDING,
        *,
        groups: int = 1,
    ) -> onnx.NodeProto:
        """A Conv node, less name and output; `weight` is ``(out channels, depth, height, width)``."""
        return helper.make_node(
            "Conv",
            [self.names(self.graph.tensors[operator.input]).real, *self.weight_and_bias(operator, weight)],
            [],
            kernel_shape=weight.shape[2:],
            strides=stride,
            pads=[padding.top, padding.left, padding.bottom, padding.right],
            group=groups,
        )

    def weight_and_bias(self, operator: Weighted, weight: npt.NDArray[np.int8]) -> list[str]:
        """Append both constants, dequantised per output channel; returns the names of their real values."""
        bias_scale = np.float32(self.graph.tensors[operator.input].scale) * operator.weight_scale
        names = []
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
            real = f"{name}/real"
            self.nodes.append(helper.make_node("DequantizeLinear", inputs, [real], name=f"{name}/dequantize", axis=0))
            names.append(real)
        return names

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        """Store an initialiser once; returns its name."""
        self.initializers.setdefault(name, numpy_helper.from_array(value, name))
        return name

    def _parameters(self, tensor: Tensor) -> list[str]:
        return [
            self.constant(f"{tensor.name}/scale", np.array(tensor.scale, np.float32)),
            self.constant(f"{tensor.name}/zero_point", np.array(tensor.zero_point + self.offset, self.code_type)),
        ]


class _Int8Writer(QdqWriter):
    offset = 0
    code_type = np.int8

    def names(self, tensor: Tensor) -> Names:
        return Names(tensor.name, f"{tensor.name}/codes", f"{tensor.name}/real")

    def fully_connected(self, operator: FullyConnected) -> onnx.NodeProto:
        source = self.graph.tensors[operator.input]
        flat = f"{source.name}/flat"
        self.node("Flatten", [self.names(source).real], flat)
        self.node("QuantizeLinear", [flat, *self._parameters(source)], f"{flat}/codes")
        self.node("DequantizeLinear", [f"{flat}/codes", *self._parameters(source)], f"{flat}/real")
        return helper.make_node(
            "Gemm", [f"{flat}/real", *self.weight_and_bias(operator, operator.weight)], [], transB=1
        )

"""What the values of a QDQ ONNX file stand for in the integer graph: int8 activations and constants."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from pipeline.errors import SixfoldError
from pipeline.graph.ir import Tensor
from pipeline.graph.limits import LONGEST_WINDOW, MOST_ELEMENTS


@dataclass(frozen=True)
class Constant:
    """A dequantised initialiser."""

    codes: npt.NDArray[Any]
    scale: npt.NDArray[np.float32]


class QdqValues:
    """The file's values as far as its nodes were read, in their order.

    Attributes:
        where: the file's name, for messages.
        tensors: activations of the graph by name.
        real: what each float value of the file stands for.
        quantized: the int8 tensor that each quantised value of the file stands for.
        input_name: the file's one input.
    """

    def __init__(self, model: onnx.ModelProto, where: str) -> None:
        self.where = where
        self.model = model
        self.graph = model.graph
        self.initializers = {i.name: i for i in self.graph.initializer}
        self.consumers: dict[str, list[onnx.NodeProto]] = {}
        for node in self.graph.node:
            for name in node.input:
                self.consumers.setdefault(name, []).append(node)
        self.tensors: dict[str, Tensor] = {}
        self.real: dict[str, Tensor | Constant] = {}
        self.quantized: dict[str, Tensor] = {}
        self.input_name, self.input_shape = self._input()

    def _input(self) -> tuple[str, tuple[int, int, int]]:
        """Name and ``(height, width, channels)`` of the one input."""
        inputs = [i for i in self.graph.input if i.name not in self.initializers]
        if len(inputs) != 1:
            raise SixfoldError(f"{self.where}: has {len(inputs)} inputs, one image is needed")
        kind = inputs[0].type.tensor_type
        shape = [d.dim_value for d in kind.shape.dim]
        if kind.elem_type != TensorProto.FLOAT or len(shape) != 4 or shape[0] != 1 or min(shape) < 1:
            text = [d.dim_value or d.dim_param or "?" for d in kind.shape.dim]
            known = kind.elem_type in TensorProto.DataType.values()
            name = TensorProto.DataType.Name(kind.elem_type) if known else f"of type {kind.elem_type}"
            raise SixfoldError(
                f"{self.where}: input {inputs[0].name!r} is {name} {text}; "
                "a fixed float32 shape [1, channels, height, width] is needed"
            )
        return inputs[0].name, (shape[2], shape[3], shape[1])

    def refuse(self, node: onnx.NodeProto, reason: str) -> NoReturn:
        """Refuse the file because of a node."""
        index = next(i for i, candidate in enumerate(self.graph.node) if candidate is node)
        raise SixfoldError(f"{self.where}: node {index} {node.name!r} ({node.op_type}): {reason}")

    def array(self, node: onnx.NodeProto, position: int, what: str) -> npt.NDArray[Any]:
        """The initialiser at an input position."""
        name = node.input[position] if position < len(node.input) else ""
        if name not in self.initializers:
            self.refuse(node, f"{what} is not a constant")
        return np.asarray(numpy_helper.to_array(self.initializers[name]))

    def scale_and_zero_point(
        self, node: onnx.NodeProto, dtype: type[np.generic]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Both as one-dimensional arrays, checked."""
        scale = np.atleast_1d(self.array(node, 1, "scale"))
        zero_point = np.atleast_1d(self.array(node, 2, "zero point"))
        if scale.dtype != np.float32 or scale.ndim > 1 or not np.isfinite(scale).all() or (scale <= 0).any():
            self.refuse(node, "scale is not a finite positive float32")
        if zero_point.dtype != dtype:
            self.refuse(node, f"is {zero_point.dtype}; quantise to {np.dtype(dtype)}")
        return scale, zero_point.astype(np.int64)

    def quantize(self, node: onnx.NodeProto) -> None:
        """QuantizeLinear: the input, or what an operator computed."""
        if node.input[0] == self.input_name:
            self.quantized[node.output[0]] = self.quantized[self.input_name] = self.new_tensor(
                node, self.input_name, self.input_shape
            )
        elif node.output[0] not in self.quantized:
            self.refuse(node, "quantises a value that no supported operator computed")

    def dequantize(self, node: onnx.NodeProto) -> None:
        """DequantizeLinear: an activation, or a constant."""
        source = node.input[0]
        if source in self.quantized:
            tensor = self.quantized[source]
            scale, zero_point = self.scale_and_zero_point(node, np.int8)
            if scale.tolist() != [tensor.scale] or zero_point.tolist() != [tensor.zero_point]:
                self.refuse(node, "dequantises with another scale or zero point than its value was quantised with")
            self.real[node.output[0]] = tensor
            return
        codes = self.array(node, 0, "quantised value")
        if codes.dtype not in (np.int8, np.int32):
            self.refuse(node, f"constant is {codes.dtype}; int8 weights and int32 biases are supported")
        scale, zero_point = self.scale_and_zero_point(node, codes.dtype.type)
        axis = self.attributes(node, ["axis"]).get("axis", 1)
        if zero_point.any():
            self.refuse(node, "constant has a zero point other than 0; weights must be symmetric")
        if len(scale) > 1 and (axis != 0 or codes.shape[:1] != (len(scale),)):
            self.refuse(node, f"has {len(scale)} scales on axis {axis}; one per output channel on axis 0 is supported")
        self.real[node.output[0]] = Constant(codes, scale)

    def attributes(self, node: onnx.NodeProto, permitted: Collection[str]) -> dict[str, Any]:
        """The node's attributes; one that is not in `permitted` is refused, so that none is ignored unseen."""
        values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        for name in values:
            if name not in permitted:
                self.refuse(node, f"attribute {name} is not supported")
        return values

    def integers(
        self, node: onnx.NodeProto, attributes: dict[str, Any], name: str, default: list[int], least: int
    ) -> list[int]:
        """A list attribute as long as its default, each element at least `least`."""
        values = attributes.get(name, default)
        if not isinstance(values, list) or len(values) != len(default):
            self.refuse(node, f"{name} is no list of {len(default)} integers")
        if not all(isinstance(value, int) and least <= value <= LONGEST_WINDOW for value in values):
            self.refuse(node, f"{name} is {values}; {least} to {LONGEST_WINDOW} are supported")
        return values

    def operand(self, node: onnx.NodeProto, position: int) -> Tensor:
        """The activation at an input position."""
        name = node.input[position] if position < len(node.input) else ""
        value = self.real.get(name)
        if not isinstance(value, Tensor):
            self.refuse(node, f"input {name!r} is not an int8 activation")
        return value

    def constant(self, node: onnx.NodeProto, position: int, dtype: type[np.generic]) -> Constant:
        """The constant of this type at an input position."""
        value = self.real.get(node.input[position]) if position < len(node.input) else None
        if not isinstance(value, Constant) or value.codes.dtype != dtype:
            self.refuse(node, f"input {position} is not an {np.dtype(dtype)} constant")
        return value

    def result(self, node: onnx.NodeProto, shape: tuple[int, int, int]) -> Tensor:
        """The int8 tensor into which the node's float output is quantised; nothing else may read that output."""
        name = node.output[0]
        consumers = self.consumers.get(name, [])
        if len(consumers) != 1 or consumers[0].op_type != "QuantizeLinear":
            reads = ", ".join(f"{c.op_type} {c.name!r}" for c in consumers) or "nothing"
            self.refuse(node, f"its result must be quantised and not used otherwise; it is read by {reads}")
        tensor = self.new_tensor(consumers[0], name, shape)
        self.quantized[consumers[0].output[0]] = tensor
        return tensor

    def new_tensor(self, quantize: onnx.NodeProto, name: str, shape: tuple[int, int, int]) -> Tensor:
        """A new activation with the quantisation that a QuantizeLinear states."""
        scale, zero_point = self.scale_and_zero_point(quantize, np.int8)
        if len(scale) != 1 or len(zero_point) != 1:
            self.refuse(quantize, "activation has several scales; activations are quantised per tensor")
        if name in self.tensors:
            self.refuse(quantize, f"value {name!r} is quantised twice")
        if math.prod(shape) > MOST_ELEMENTS:
            self.refuse(quantize, f"{name!r} has shape {shape}; at most {MOST_ELEMENTS} elements are supported")
        tensor = Tensor(name, shape, float(scale[0]), int(zero_point[0]))
        self.tensors[name] = tensor
        return tensor

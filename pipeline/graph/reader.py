"""Reads an int8 QDQ ONNX model into the integer graph; what is not understood is refused by node."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from pipeline.errors import SixfoldError
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
from pipeline.graph.onnx_file import load_onnx

#: Relative difference allowed between a bias scale and input scale x weight scale: one float32 rounding each.
_BIAS_SCALE_TOLERANCE = 4 * np.finfo(np.float32).eps


def read_graph(path: Path) -> IntegerGraph:
    """Read `path`.

    Raises:
        SixfoldError: the file is damaged, has other inputs or outputs than one image and one vector of logits, or
            holds an operator, attribute or quantisation that the integer graph has no exact equivalent for; the
            message names the node.
    """
    return _Reader(load_onnx(path), str(path)).read()


@dataclass(frozen=True)
class _Constant:
    """A dequantised initialiser."""

    codes: npt.NDArray[Any]
    scale: npt.NDArray[np.float32]


class _Reader:
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
        self.operators: list[Operator] = []
        #: What each float value of the file stands for: an int8 tensor, or a constant.
        self.real: dict[str, Tensor | _Constant] = {}
        #: The int8 tensor that each quantised value of the file stands for.
        self.quantized: dict[str, Tensor] = {}
        self.handlers: dict[str, Callable[[onnx.NodeProto], None]] = {
            "QuantizeLinear": self._quantize,
            "DequantizeLinear": self._dequantize,
            "Conv": self._conv,
            "Gemm": self._gemm,
            "Add": self._add,
            "AveragePool": self._average_pool,
            "GlobalAveragePool": self._global_average_pool,
            "Reshape": self._flatten,
            "Flatten": self._flatten,
        }

    def read(self) -> IntegerGraph:
        self.input_name, self.input_shape = self._input()
        for node in self.graph.node:
            handler = self.handlers.get(node.op_type) if node.domain in ("", "ai.onnx") else None
            if handler is None:
                self._refuse(node, f"operator is not supported; supported are {', '.join(sorted(self.handlers))}")
            handler(node)
        if self.input_name not in self.quantized:
            raise SixfoldError(f"{self.where}: input {self.input_name!r} is not quantised; is this the int8 model?")
        if len(self.graph.output) != 1:
            raise SixfoldError(f"{self.where}: has {len(self.graph.output)} outputs, one vector of logits is needed")
        output = self.real.get(self.graph.output[0].name)
        if not isinstance(output, Tensor) or not self.operators:
            raise SixfoldError(f"{self.where}: output {self.graph.output[0].name!r} is not an int8 result")
        metadata = {p.key: p.value for p in self.model.metadata_props if p.key.startswith("sixfold.")}
        return IntegerGraph(
            self.tensors, tuple(self.operators), self.quantized[self.input_name].name, output.name, metadata
        )

    def _input(self) -> tuple[str, tuple[int, int, int]]:
        """Name and ``(height, width, channels)`` of the one input."""
        inputs = [i for i in self.graph.input if i.name not in self.initializers]
        if len(inputs) != 1:
            raise SixfoldError(f"{self.where}: has {len(inputs)} inputs, one image is needed")
        kind = inputs[0].type.tensor_type
        shape = [d.dim_value for d in kind.shape.dim]
        if kind.elem_type != TensorProto.FLOAT or len(shape) != 4 or shape[0] != 1 or min(shape) < 1:
            text = [d.dim_value or d.dim_param or "?" for d in kind.shape.dim]
            raise SixfoldError(
                f"{self.where}: input {inputs[0].name!r} is {TensorProto.DataType.Name(kind.elem_type)} {text}; "
                "a fixed float32 shape [1, channels, height, width] is needed"
            )
        return inputs[0].name, (shape[2], shape[3], shape[1])

    def _refuse(self, node: onnx.NodeProto, reason: str) -> NoReturn:
        index = next(i for i, candidate in enumerate(self.graph.node) if candidate is node)
        raise SixfoldError(f"{self.where}: node {index} {node.name!r} ({node.op_type}): {reason}")

    def _array(self, node: onnx.NodeProto, position: int, what: str) -> npt.NDArray[Any]:
        """The initialiser at an input position."""
        name = node.input[position] if position < len(node.input) else ""
        if name not in self.initializers:
            self._refuse(node, f"{what} is not a constant")
        return np.asarray(numpy_helper.to_array(self.initializers[name]))

    def _scale_and_zero_point(
        self, node: onnx.NodeProto, dtype: type[np.generic]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Both as one-dimensional arrays, checked."""
        scale = np.atleast_1d(self._array(node, 1, "scale"))
        zero_point = np.atleast_1d(self._array(node, 2, "zero point"))
        if scale.dtype != np.float32 or not np.isfinite(scale).all() or (scale <= 0).any():
            self._refuse(node, "scale is not a finite positive float32")
        if zero_point.dtype != dtype:
            self._refuse(node, f"is {zero_point.dtype}; quantise to {np.dtype(dtype)}")
        return scale, zero_point.astype(np.int64)

    def _quantize(self, node: onnx.NodeProto) -> None:
        if node.input[0] == self.input_name:
            self.quantized[node.output[0]] = self.quantized[self.input_name] = self._new_tensor(
                node, self.input_name, self.input_shape
            )
        elif node.output[0] not in self.quantized:
            self._refuse(node, "quantises a value that no supported operator computed")

    def _dequantize(self, node: onnx.NodeProto) -> None:
        source = node.input[0]
        if source in self.quantized:
            tensor = self.quantized[source]
            scale, zero_point = self._scale_and_zero_point(node, np.int8)
            if scale.tolist() != [tensor.scale] or zero_point.tolist() != [tensor.zero_point]:
                self._refuse(node, "dequantises with another scale or zero point than its value was quantised with")
            self.real[node.output[0]] = tensor
            return
        codes = self._array(node, 0, "quantised value")
        if codes.dtype not in (np.int8, np.int32):
            self._refuse(node, f"constant is {codes.dtype}; int8 weights and int32 biases are supported")
        scale, zero_point = self._scale_and_zero_point(node, codes.dtype.type)
        axis = self._attributes(node, ["axis"]).get("axis", 1)
        if zero_point.any():
            self._refuse(node, "constant has a zero point other than 0; weights must be symmetric")
        if len(scale) > 1 and (axis != 0 or len(scale) != codes.shape[0]):
            self._refuse(node, f"has {len(scale)} scales on axis {axis}; one per output channel on axis 0 is supported")
        self.real[node.output[0]] = _Constant(codes, scale)

    def _attributes(self, node: onnx.NodeProto, permitted: Collection[str]) -> dict[str, Any]:
        """The node's attributes; one that is not in `permitted` is refused, so that none is ignored unseen."""
        values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        for name in values:
            if name not in permitted:
                self._refuse(node, f"attribute {name} is not supported")
        return values

    def _operand(self, node: onnx.NodeProto, position: int) -> Tensor:
        value = self.real.get(node.input[position])
        if not isinstance(value, Tensor):
            self._refuse(node, f"input {node.input[position]!r} is not an int8 activation")
        return value

    def _constant(self, node: onnx.NodeProto, position: int, dtype: type[np.generic]) -> _Constant:
        value = self.real.get(node.input[position]) if position < len(node.input) else None
        if not isinstance(value, _Constant) or value.codes.dtype != dtype:
            self._refuse(node, f"input {position} is not an {np.dtype(dtype)} constant")
        return value

    def _result(self, node: onnx.NodeProto, shape: tuple[int, int, int]) -> Tensor:
        """The int8 tensor into which the node's float output is quantised; nothing else may read that output."""
        name = node.output[0]
        consumers = self.consumers.get(name, [])
        if len(consumers) != 1 or consumers[0].op_type != "QuantizeLinear":
            reads = ", ".join(f"{c.op_type} {c.name!r}" for c in consumers) or "nothing"
            self._refuse(node, f"its result must be quantised and not used otherwise; it is read by {reads}")
        tensor = self._new_tensor(consumers[0], name, shape)
        self.quantized[consumers[0].output[0]] = tensor
        return tensor

    def _new_tensor(self, quantize: onnx.NodeProto, name: str, shape: tuple[int, int, int]) -> Tensor:
        scale, zero_point = self._scale_and_zero_point(quantize, np.int8)
        if len(scale) != 1 or len(zero_point) != 1:
            self._refuse(quantize, "activation has several scales; activations are quantised per tensor")
        if name in self.tensors:
            self._refuse(quantize, f"value {name!r} is quantised twice")
        tensor = Tensor(name, shape, float(scale[0]), int(zero_point[0]))
        self.tensors[name] = tensor
        return tensor

    def _add_operator(self, node: onnx.NodeProto, operator: Operator) -> None:
        if any(operator.name == other.name for other in self.operators):
            self._refuse(node, "another node has this name")
        self.operators.append(operator)

    def _weight_and_bias(self, node: onnx.NodeProto, source: Tensor, channels_axis: int) -> tuple[_Constant, _Constant]:
        """Weight with one scale per output channel, and the bias, checked against each other and for overflow."""
        weight, bias = self._constant(node, 1, np.int8), self._constant(node, 2, np.int32)
        channels = weight.codes.shape[channels_axis]
        scale = np.broadcast_to(weight.scale, (channels,)).astype(np.float32)
        expected = np.float32(source.scale) * scale
        if bias.codes.shape != (channels,) or not np.allclose(bias.scale, expected, rtol=_BIAS_SCALE_TOLERANCE, atol=0):
            self._refuse(node, "bias is not int32 with scale input scale x weight scale")
        largest = np.abs(np.moveaxis(weight.codes, channels_axis, 0).reshape(channels, -1).astype(np.int64)).sum(axis=1)
        if (largest * 255 + np.abs(bias.codes.astype(np.int64)) >= 2**31).any():
            self._refuse(node, "weights and bias can overflow the int32 accumulator")
        return _Constant(weight.codes, scale), bias

    def _conv(self, node: onnx.NodeProto) -> None:
        names = ("kernel_shape", "strides", "pads", "dilations", "group", "auto_pad")
        attributes = self._attributes(node, names)
        if any(d != 1 for d in attributes.get("dilations", [])) or attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
            self._refuse(node, "dilation and auto_pad are not supported; use explicit pads")
        source = self._operand(node, 0)
        weight, bias = self._weight_and_bias(node, source, channels_axis=0)
        if weight.codes.ndim != 4:
            self._refuse(node, "only two-dimensional convolution is supported")
        out_channels, depth, *kernel = weight.codes.shape
        groups = attributes.get("group", 1)
        stride = tuple(attributes.get("strides", [1, 1]))
        padding = Padding(*attributes.get("pads", [0, 0, 0, 0]))
        height, width, channels = source.shape
        shape = (
            (height + padding.top + padding.bottom - kernel[0]) // stride[0] + 1,
            (width + padding.left + padding.right - kernel[1]) // stride[1] + 1,
            out_channels,
        )
        if min(shape) < 1 or depth * groups != channels:
            self._refuse(node, f"weight {weight.codes.shape} in {groups} groups does not fit input {source.shape}")
        depthwise = groups > 1 and groups == channels == out_channels
        if groups != 1 and not depthwise:
            self._refuse(node, f"{groups} groups over {channels} channels; only 1 or depthwise are supported")
        codes = weight.codes[:, 0].transpose(1, 2, 0) if depthwise else weight.codes.transpose(0, 2, 3, 1)
        make = DepthwiseConv2D if depthwise else Conv2D
        result = self._result(node, shape)
        self._add_operator(
            node,
            make(
                name=node.name,
                input=source.name,
                output=result.name,
                weight=_frozen(codes, np.int8),
                weight_scale=_frozen(weight.scale, np.float32),
                bias=_frozen(bias.codes, np.int32),
                stride=stride,
                padding=padding,
            ),
        )

    def _gemm(self, node: onnx.NodeProto) -> None:
        attributes = self._attributes(node, ["alpha", "beta", "transA", "transB"])
        if attributes.get("alpha", 1.0) != 1.0 or attributes.get("beta", 1.0) != 1.0 or attributes.get("transA", 0):
            self._refuse(node, "alpha and beta must be 1 and transA 0")
        source = self._operand(node, 0)
        transposed = bool(attributes.get("transB", 0))
        weight, bias = self._weight_and_bias(node, source, channels_axis=0 if transposed else 1)
        codes = weight.codes if transposed else weight.codes.T
        if codes.ndim != 2 or source.shape != (1, 1, codes.shape[1]):
            self._refuse(node, f"weight {weight.codes.shape} does not fit input {source.shape}")
        result = self._result(node, (1, 1, codes.shape[0]))
        self._add_operator(
            node,
            FullyConnected(
                node.name,
                source.name,
                result.name,
                _frozen(codes, np.int8),
                _frozen(weight.scale, np.float32),
                _frozen(bias.codes, np.int32),
            ),
        )

    def _add(self, node: onnx.NodeProto) -> None:
        left, right = self._operand(node, 0), self._operand(node, 1)
        if left.shape != right.shape:
            self._refuse(node, f"adds {left.shape} and {right.shape}; broadcasting is not supported")
        self._add_operator(node, Add(node.name, left.name, right.name, self._result(node, left.shape).name))

    def _average_pool(self, node: onnx.NodeProto) -> None:
        names = ("kernel_shape", "strides", "pads", "ceil_mode", "count_include_pad", "auto_pad", "dilations")
        attributes = self._attributes(node, names)
        whole_map = list(self._operand(node, 0).shape[:2])
        if list(attributes.get("kernel_shape", [])) != whole_map or any(attributes.get("pads", [])):
            self._refuse(node, f"only pooling over the whole map ({whole_map[0]}x{whole_map[1]}) is supported")
        self._global_average_pool(node, attributes_checked=True)

    def _global_average_pool(self, node: onnx.NodeProto, attributes_checked: bool = False) -> None:
        if not attributes_checked:
            self._attributes(node, [])
        source = self._operand(node, 0)
        result = self._result(node, (1, 1, source.shape[2]))
        if (source.scale, source.zero_point) != (result.scale, result.zero_point):
            self._refuse(node, "input and output must have one scale and zero point")
        self._add_operator(node, GlobalAveragePool(node.name, source.name, result.name))

    def _flatten(self, node: onnx.NodeProto) -> None:
        """A change of shape moves no data when height and width are 1: the value stays the same tensor."""
        source = self._operand(node, 0)
        if source.shape[:2] != (1, 1):
            self._refuse(node, f"input has shape {source.shape}; only (1, 1, channels) can be flattened")
        if node.op_type == "Reshape":
            target = self._array(node, 1, "shape")
            flat = [source.shape[2] if d == -1 else int(d) for d in target]
            if math.prod(d for d in flat if d != 0) != source.shape[2]:
                self._refuse(node, f"to {flat}; only [1, channels] is supported")
        quantize = self.consumers.get(node.output[0], [])
        if len(quantize) == 1 and quantize[0].op_type == "QuantizeLinear":
            scale, zero_point = self._scale_and_zero_point(quantize[0], np.int8)
            if scale.tolist() != [source.scale] or zero_point.tolist() != [source.zero_point]:
                self._refuse(node, "result has another scale or zero point than the input")
            self.quantized[quantize[0].output[0]] = source
        else:
            self.real[node.output[0]] = source


def _frozen(values: npt.NDArray[Any], dtype: type[Any]) -> npt.NDArray[Any]:
    """A contiguous, read-only copy: a graph is shared between emitters and must not change under them."""
    copy = np.ascontiguousarray(values, dtype)
    copy.setflags(write=False)
    return copy

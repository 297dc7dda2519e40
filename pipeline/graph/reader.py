"""Reads an int8 QDQ ONNX model into the integer graph; what is not understood is refused by node."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from pipeline.errors import SixfoldError
from pipeline.graph import limits
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
    Weighted,
)
from pipeline.graph.onnx_file import load_onnx
from pipeline.graph.qdq_values import Constant, QdqValues


def read_graph(path: Path) -> IntegerGraph:
    """Read `path`.

    Raises:
        SixfoldError: the file is damaged, has other inputs or outputs than one image and one vector of logits, or
            holds an operator, attribute or quantisation that the integer graph has no exact equivalent for; the
            message names the node.
    """
    return Reader(load_onnx(path), str(path)).read()


class Reader(QdqValues):
    """Reads one model; importers of foreign files override what they can express in another way."""

    def __init__(self, model: onnx.ModelProto, where: str) -> None:
        super().__init__(model, where)
        self.operators: list[Operator] = []
        self.handlers: dict[str, Callable[[onnx.NodeProto], None]] = {
            "QuantizeLinear": self.quantize,
            "DequantizeLinear": self.dequantize,
            "Conv": self._conv,
            "Gemm": self._gemm,
            "Add": self._add,
            "AveragePool": self._average_pool,
            "GlobalAveragePool": self._global_average_pool,
            "Reshape": self._flatten,
            "Flatten": self._flatten,
        }

    def read(self) -> IntegerGraph:
        """Read all nodes in order: a node reads only what nodes before it gave, so there are no cycles."""
        for node in self.graph.node:
            if not node.input or len(node.output) != 1:
                self.refuse(node, f"has {len(node.input)} inputs and {len(node.output)} outputs")
            handler = self.handlers.get(node.op_type) if node.domain in ("", "ai.onnx") else None
            if handler is None:
                self.refuse(node, f"operator is not supported; supported are {', '.join(sorted(self.handlers))}")
            handler(node)
        if self.input_name not in self.quantized:
            raise SixfoldError(f"{self.where}: input {self.input_name!r} is not quantised; is this the int8 model?")
        if len(self.graph.output) != 1:
            raise SixfoldError(f"{self.where}: has {len(self.graph.output)} outputs, one vector of logits is needed")
        output = self.real.get(self.graph.output[0].name)
        if not isinstance(output, Tensor) or not self.operators:
            raise SixfoldError(f"{self.where}: output {self.graph.output[0].name!r} is not an int8 result")
        if output.shape[:2] != (1, 1):
            raise SixfoldError(f"{self.where}: output {output.name!r} has shape {output.shape}; logits are needed")
        metadata = {p.key: p.value for p in self.model.metadata_props if p.key.startswith("sixfold.")}
        return IntegerGraph(
            self.tensors, tuple(self.operators), self.quantized[self.input_name].name, output.name, metadata
        )

    def add_operator(self, node: onnx.NodeProto, operator: Operator) -> None:
        """Append an operator, which must have a name of its own."""
        if any(operator.name == other.name for other in self.operators):
            self.refuse(node, "another node has this name")
        self.operators.append(operator)

    def _weight_and_bias(
        self, node: onnx.NodeProto, source: Tensor, axes: int, channels_axis: int
    ) -> tuple[Constant, Constant]:
        """Weight of `axes` axes with one scale per output channel, and the bias, checked against each other."""
        weight, bias = self.constant(node, 1, np.int8), self.constant(node, 2, np.int32)
        if weight.codes.ndim != axes or 0 in weight.codes.shape:
            self.refuse(node, f"weight has shape {weight.codes.shape}; {axes} axes are supported")
        channels = weight.codes.shape[channels_axis]
        if len(weight.scale) not in (1, channels):
            self.refuse(node, f"weight has {len(weight.scale)} scales for {channels} output channels")
        scale = np.broadcast_to(weight.scale, (channels,)).astype(np.float32)
        fits = bias.codes.shape == (channels,) and len(bias.scale) in (1, channels)
        if not fits or not limits.bias_scale_agrees(bias.scale, source, scale):
            self.refuse(node, "bias is not int32 with scale input scale x weight scale")
        return Constant(weight.codes, scale), bias

    def check_range(self, node: onnx.NodeProto, operator: Weighted, axis: int) -> None:
        """Refuse parameters for which the fixed-point arithmetic is not defined on every input."""
        source, result = self.tensors[operator.input], self.tensors[operator.output]
        problem = limits.weights_objection(operator.weight, operator.weight_scale, operator.bias, source, result, axis)
        if problem is not None:
            self.refuse(node, problem)

    def _conv(self, node: onnx.NodeProto) -> None:
        names = ("kernel_shape", "strides", "pads", "dilations", "group", "auto_pad")
        attributes = self.attributes(node, names)
        if any(d != 1 for d in attributes.get("dilations", [])) or attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
            self.refuse(node, "dilation and auto_pad are not supported; use explicit pads")
        source = self.operand(node, 0)
        weight, bias = self._weight_and_bias(node, source, axes=4, channels_axis=0)
        out_channels, depth, *kernel = weight.codes.shape
        groups = attributes.get("group", 1)
        vertical, horizontal = self.integers(node, attributes, "strides", [1, 1], least=1)
        stride = (vertical, horizontal)
        padding = Padding(*self.integers(node, attributes, "pads", [0, 0, 0, 0], least=0))
        if self.integers(node, attributes, "kernel_shape", kernel, least=1) != kernel:
            self.refuse(node, f"kernel_shape is not that of the weight, {kernel}")
        height, width, channels = source.shape
        shape = (
            (height + padding.top + padding.bottom - kernel[0]) // stride[0] + 1,
            (width + padding.left + padding.right - kernel[1]) // stride[1] + 1,
            out_channels,
        )
        if min(shape) < 1 or depth * groups != channels:
            self.refuse(node, f"weight {weight.codes.shape} in {groups} groups does not fit input {source.shape}")
        depthwise = groups > 1 and groups == channels == out_channels
        if groups != 1 and not depthwise:
            self.refuse(node, f"{groups} groups over {channels} channels; only 1 or depthwise are supported")
        codes = weight.codes[:, 0].transpose(1, 2, 0) if depthwise else weight.codes.transpose(0, 2, 3, 1)
        make = DepthwiseConv2D if depthwise else Conv2D
        result = self.result(node, shape)
        operator = make(
            name=node.name,
            input=source.name,
            output=result.name,
            weight=_frozen(codes, np.int8),
            weight_scale=_frozen(weight.scale, np.float32),
            bias=_frozen(bias.codes, np.int32),
            stride=stride,
            padding=padding,
        )
        self.check_range(node, operator, axis=2 if depthwise else 0)
        self.add_operator(node, operator)

    def _gemm(self, node: onnx.NodeProto) -> None:
        attributes = self.attributes(node, ["alpha", "beta", "transA", "transB"])
        if attributes.get("alpha", 1.0) != 1.0 or attributes.get("beta", 1.0) != 1.0 or attributes.get("transA", 0):
            self.refuse(node, "alpha and beta must be 1 and transA 0")
        source = self.operand(node, 0)
        transposed = bool(attributes.get("transB", 0))
        weight, bias = self._weight_and_bias(node, source, axes=2, channels_axis=0 if transposed else 1)
        codes = weight.codes if transposed else weight.codes.T
        if source.shape != (1, 1, codes.shape[1]):
            self.refuse(node, f"weight {weight.codes.shape} does not fit input {source.shape}")
        result = self.result(node, (1, 1, codes.shape[0]))
        operator = FullyConnected(
            node.name,
            source.name,
            result.name,
            _frozen(codes, np.int8),
            _frozen(weight.scale, np.float32),
            _frozen(bias.codes, np.int32),
        )
        self.check_range(node, operator, axis=0)
        self.add_operator(node, operator)

    def _add(self, node: onnx.NodeProto) -> None:
        left, right = self.operand(node, 0), self.operand(node, 1)
        if left.shape != right.shape:
            self.refuse(node, f"adds {left.shape} and {right.shape}; broadcasting is not supported")
        result = self.result(node, left.shape)
        problem = limits.addition_objection(left, right, result)
        if problem is not None:
            self.refuse(node, problem)
        self.add_operator(node, Add(node.name, left.name, right.name, result.name))

    def _average_pool(self, node: onnx.NodeProto) -> None:
        names = ("kernel_shape", "strides", "pads", "ceil_mode", "count_include_pad", "auto_pad", "dilations")
        attributes = self.attributes(node, names)
        whole_map = list(self.operand(node, 0).shape[:2])
        if list(attributes.get("kernel_shape", [])) != whole_map or any(attributes.get("pads", [])):
            self.refuse(node, f"only pooling over the whole map ({whole_map[0]}x{whole_map[1]}) is supported")
        self._global_average_pool(node, attributes_checked=True)

    def _global_average_pool(self, node: onnx.NodeProto, attributes_checked: bool = False) -> None:
        if not attributes_checked:
            self.attributes(node, [])
        source = self.operand(node, 0)
        result = self.result(node, (1, 1, source.shape[2]))
        self.pooled(node, source, result)

    def pooled(self, node: onnx.NodeProto, source: Tensor, result: Tensor) -> None:
        """Add the mean of `source` over the whole map."""
        if (source.scale, source.zero_point) != (result.scale, result.zero_point):
            self.refuse(node, "input and output must have one scale and zero point")
        self.add_operator(node, GlobalAveragePool(node.name, source.name, result.name))

    def _flatten(self, node: onnx.NodeProto) -> None:
        """A change of shape moves no data when height and width are 1: the value stays the same tensor."""
        source = self.operand(node, 0)
        if source.shape[:2] != (1, 1):
            self.refuse(node, f"input has shape {source.shape}; only (1, 1, channels) can be flattened")
        if node.op_type == "Reshape":
            target = self.array(node, 1, "shape")
            if target.dtype != np.int64 or target.ndim != 1:
                self.refuse(node, "its shape is no list of int64")
            flat = [source.shape[2] if d == -1 else int(d) for d in target]
            if math.prod(d for d in flat if d != 0) != source.shape[2]:
                self.refuse(node, f"to {flat}; only [1, channels] is supported")
        quantize = self.consumers.get(node.output[0], [])
        if len(quantize) == 1 and quantize[0].op_type == "QuantizeLinear":
            scale, zero_point = self.scale_and_zero_point(quantize[0], np.int8)
            if scale.tolist() != [source.scale] or zero_point.tolist() != [source.zero_point]:
                self.refuse(node, "result has another scale or zero point than the input")
            self.quantized[quantize[0].output[0]] = source
        else:
            self.real[node.output[0]] = source


def _frozen(values: npt.NDArray[Any], dtype: type[Any]) -> npt.NDArray[Any]:
    """A contiguous, read-only copy: a graph is shared between emitters and must not change under them."""
    copy = np.ascontiguousarray(values, dtype)
    copy.setflags(write=False)
    return copy

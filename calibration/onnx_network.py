"""Reads the exported float model into a :class:`calibration.network.Network`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from calibration.network import RELU6_LIMIT, Layer, Network
from pipeline.channel_moments import KEY as MOMENTS
from pipeline.channel_moments import ChannelMoments, decode_moments


class UnsupportedModelError(ValueError):
    """The model holds something that calibration has no rule for; the message names the node."""


def network_from_onnx(model: onnx.ModelProto) -> Network:
    """Read a float model with batch norm folded.

    Raises:
        UnsupportedModelError: an operator or attribute that MobileNetV2 does not have, or a weight that is not finite.
    """
    return _Reader(model).read()


class _Reader:
    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
        #: Tensor of the file to tensor of the network: a ReLU6 or a change of shape makes no tensor of its own.
        self.names: dict[str, str] = {}
        self.layers: dict[str, Layer] = {}

    def read(self) -> Network:
        source = next(i for i in self.model.graph.input if i.name not in self.constants)
        _, channels, height, width = (d.dim_value for d in source.type.tensor_type.shape.dim)
        self.names[source.name] = source.name
        for node in self.model.graph.node:
            self._node(node)
        metadata = {p.key: p.value for p in self.model.metadata_props}
        return Network(tuple(self.layers.values()), source.name, (channels, height, width), metadata)

    def _node(self, node: onnx.NodeProto) -> None:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        match node.op_type:
            case "Conv":
                self._conv(node, attributes)
            case "Gemm":
                weight = self._constant(node, 1)
                weight = weight if attributes.get("transB", 0) else weight.T
                self._add(node, Layer(node.name, "linear", self._inputs(node, 1), weight, self._constant(node, 2)))
            case "Add":
                self._add(node, Layer(node.name, "add", self._inputs(node, 2)))
            case "AveragePool" | "GlobalAveragePool":
                self._add(node, Layer(node.name, "pool", self._inputs(node, 1)))
            case "Clip":
                self._relu6(node)
            case "Reshape" | "Flatten":
                self.names[node.output[0]] = self._inputs(node, 1)[0]
            case _:
                self._refuse(node, "operator is not supported")

    def _conv(self, node: onnx.NodeProto, attributes: dict[str, Any]) -> None:
        weight, bias = self._constant(node, 1), self._constant(node, 2)
        groups = attributes.get("group", 1)
        if groups not in (1, weight.shape[0]) or any(d != 1 for d in attributes.get("dilations", [])):
            self._refuse(node, "grouped (not depthwise) or dilated convolution is not supported")
        top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
        stride = attributes.get("strides", [1, 1])
        self._add(
            node,
            Layer(
                node.name,
                "conv" if groups == 1 else "depthwise",
                self._inputs(node, 1),
                weight,
                bias,
                (stride[0], stride[1]),
                (top, left, bottom, right),
                moments=self._moments(node, len(weight)),
            ),
        )

    def _moments(self, node: onnx.NodeProto, channels: int) -> ChannelMoments | None:
        text = next((p.value for p in node.metadata_props if p.key == MOMENTS), None)
        try:
            return None if text is None else decode_moments(text, channels)
        except ValueError as error:
            self._refuse(node, str(error))

    def _relu6(self, node: onnx.NodeProto) -> None:
        low, high = (self._constant(node, position).item() for position in (1, 2))
        producer = self._inputs(node, 1)[0]
        if (low, high) != (0.0, RELU6_LIMIT) or producer not in self.layers:
            self._refuse(node, f"clamps to [{low:g}, {high:g}]; only ReLU6 on a layer's result is supported")
        layer = self.layers[producer]
        self.layers[producer] = replace(layer, relu6=True)
        self.names[node.output[0]] = producer

    def _add(self, node: onnx.NodeProto, layer: Layer) -> None:
        if layer.name in self.layers:
            self._refuse(node, "another node has this name")
        self.layers[layer.name] = layer
        self.names[node.output[0]] = layer.name

    def _inputs(self, node: onnx.NodeProto, count: int) -> tuple[str, ...]:
        names = node.input[:count]
        if any(name not in self.names for name in names):
            self._refuse(node, "reads a value that no supported operator computed")
        return tuple(self.names[name] for name in names)

    def _constant(self, node: onnx.NodeProto, position: int) -> npt.NDArray[np.float32]:
        name = node.input[position] if position < len(node.input) else ""
        if name not in self.constants:
            self._refuse(node, f"input {position} is not a constant; fold batch norm and keep a bias")
        value = np.array(self.constants[name], np.float32)
        if not np.isfinite(value).all():
            self._refuse(node, f"{name!r} holds NaN or infinite values")
        return value

    def _refuse(self, node: onnx.NodeProto, reason: str) -> NoReturn:
        raise UnsupportedModelError(f"node {node.name!r} ({node.op_type}): {reason}")

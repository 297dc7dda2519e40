"""The float network as calibration sees it: convolutions with folded batch norm, ReLU6 as a flag, residual additions.

Every method in this package takes a network and returns a changed one, or decides scales for it; none of them knows
ONNX or the integer graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.channel_moments import ChannelMoments

Float32Array: TypeAlias = npt.NDArray[np.float32]
Kind: TypeAlias = Literal["conv", "depthwise", "linear", "add", "pool"]

RELU6_LIMIT = 6.0


@dataclass(frozen=True, eq=False)
class Layer:
    """One operator with its activation.

    Attributes:
        name: as in the model file; also the name of the tensor that it writes.
        inputs: names of the tensors read: one, or two for an addition.
        weight: float32 ``(out channels, in channels / groups, height, width)``, ``(out, in)`` for ``linear``.
        bias: float32 ``(out channels,)``.
        padding: top, left, bottom, right.
        relu6: the output is clamped to [0, 6].
        moments: of the output before the activation over the training images, if the file tells.
    """

    name: str
    kind: Kind
    inputs: tuple[str, ...]
    weight: Float32Array | None = None
    bias: Float32Array | None = None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    relu6: bool = False
    moments: ChannelMoments | None = None

    @property
    def weighted(self) -> bool:
        """Whether it has weights and a bias."""
        return self.weight is not None

    def parameters(self) -> tuple[Float32Array, Float32Array]:
        """Weight and bias.

        Raises:
            ValueError: the layer has none.
        """
        if self.weight is None or self.bias is None:
            raise ValueError(f"layer {self.name} ({self.kind}) has no weights")
        return self.weight, self.bias


@dataclass(frozen=True, eq=False)
class Network:
    """Layers in execution order.

    Attributes:
        input: name of the input tensor.
        input_shape: ``(channels, height, width)``.
    """

    layers: tuple[Layer, ...]
    input: str
    input_shape: tuple[int, int, int]
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def output(self) -> str:
        """Name of the tensor of logits."""
        return self.layers[-1].name

    @property
    def has_moments(self) -> bool:
        """Whether the file kept what batch norm knew of the training images."""
        return any(layer.moments is not None for layer in self.layers)

    def layer(self, name: str) -> Layer:
        """The layer called `name`.

        Raises:
            KeyError: there is none.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    def consumers(self, tensor: str) -> list[Layer]:
        """Layers that read `tensor`."""
        return [layer for layer in self.layers if tensor in layer.inputs]

    def with_layers(self, changed: Mapping[str, Layer]) -> Network:
        """A copy in which the named layers are replaced."""
        return replace(self, layers=tuple(changed.get(layer.name, layer) for layer in self.layers))


def linear_output(layer: Layer, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
    """The layer's result before its activation.

    Args:
        layer: what to compute.
        inputs: float ``(samples, channels, height, width)`` each.
        weight: used in place of the layer's own, for example fake-quantised.

    Returns:
        ``(samples, out channels, height, width)``.
    """
    match layer.kind:
        case "add":
            return inputs[0] + inputs[1]
        case "pool":
            return inputs[0].mean(dim=(2, 3), keepdim=True)
        case _:
            own, bias = (torch.from_numpy(a) for a in layer.parameters())
            used = own if weight is None else weight
            if layer.kind == "linear":
                used = used[:, :, None, None]
            top, left, bottom, right = layer.padding
            padded = F.pad(inputs[0], (left, right, top, bottom))
            groups = inputs[0].shape[1] if layer.kind == "depthwise" else 1
            return F.conv2d(padded, used, bias, layer.stride, groups=groups)


def activate(layer: Layer, values: Tensor) -> Tensor:
    """Apply the layer's activation."""
    return values.clamp(0.0, RELU6_LIMIT) if layer.relu6 else values


def forward(network: Network, images: Tensor) -> dict[str, Tensor]:
    """Every tensor of the float network for `images` ``(samples, channels, height, width)``."""
    values = {network.input: images}
    for layer in network.layers:
        values[layer.name] = activate(layer, linear_output(layer, [values[name] for name in layer.inputs]))
    return values

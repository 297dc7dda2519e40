"""The integer graph: MobileNetV2 as a list of int8 operators with every scale decided.

This is the single source of truth that each backend emits. It holds no float arithmetic besides the scales, no
runtime's attribute names and no layout but one:

* activations are int8, NHWC with the batch axis left out: ``(height, width, channels)``;
* weights are int8 with zero point 0, one scale per output channel;
* biases are int32 with scale ``input scale x weight scale`` and zero point 0;
* a real value is ``scale * (q - zero_point)``.

ReLU6 does not appear: an output with scale ``r/255`` (r <= 6) and zero point -128 saturates at 0 and r by the cast.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Int8Array: TypeAlias = npt.NDArray[np.int8]
Int32Array: TypeAlias = npt.NDArray[np.int32]
Float32Array: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Tensor:
    """An int8 activation.

    Attributes:
        name: unique within the graph.
        shape: ``(height, width, channels)``.
        scale: real value of one step; finite, positive, exactly representable as float32.
        zero_point: the code of real zero, -128..127.
    """

    name: str
    shape: tuple[int, int, int]
    scale: float
    zero_point: int

    @property
    def size(self) -> int:
        """Bytes (elements) of the tensor."""
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Padding:
    """Rows and columns of zero points around the input."""

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0


NO_PADDING = Padding()


@dataclass(frozen=True, eq=False)
class Conv2D:
    """Convolution over all input channels.

    Attributes:
        weight: int8 ``(out channels, kernel height, kernel width, in channels)``, zero point 0.
        weight_scale: float32 ``(out channels,)``.
        bias: int32 ``(out channels,)``, scale ``input scale x weight_scale``.
        stride: ``(vertical, horizontal)``.
    """

    name: str
    input: str
    output: str
    weight: Int8Array
    weight_scale: Float32Array
    bias: Int32Array
    stride: tuple[int, int] = (1, 1)
    padding: Padding = NO_PADDING

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)


@dataclass(frozen=True, eq=False)
class DepthwiseConv2D:
    """Convolution of each channel with its own filter (channel multiplier 1).

    Attributes:
        weight: int8 ``(kernel height, kernel width, channels)``, zero point 0.
        weight_scale: float32 ``(channels,)``.
        bias: int32 ``(channels,)``, scale ``input scale x weight_scale``.
        stride: ``(vertical, horizontal)``.
    """

    name: str
    input: str
    output: str
    weight: Int8Array
    weight_scale: Float32Array
    bias: Int32Array
    stride: tuple[int, int] = (1, 1)
    padding: Padding = NO_PADDING

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)


@dataclass(frozen=True, eq=False)
class FullyConnected:
    """Matrix product over the flattened ``(1, 1, features)`` input: the classifier.

    Attributes:
        weight: int8 ``(out features, in features)``, zero point 0.
        weight_scale: float32 ``(out features,)``.
        bias: int32 ``(out features,)``, scale ``input scale x weight_scale``.
    """

    name: str
    input: str
    output: str
    weight: Int8Array
    weight_scale: Float32Array
    bias: Int32Array

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)


@dataclass(frozen=True, eq=False)
class Add:
    """Element-wise sum of two tensors of one shape, each with its own scale: the residual connection."""

    name: str
    left: str
    right: str
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.left, self.right)


@dataclass(frozen=True, eq=False)
class GlobalAveragePool:
    """Mean over height and width; the output ``(1, 1, channels)`` has the input's scale and zero point."""

    name: str
    input: str
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)


Weighted: TypeAlias = Conv2D | DepthwiseConv2D | FullyConnected
Operator: TypeAlias = Weighted | Add | GlobalAveragePool


@dataclass(frozen=True, eq=False)
class IntegerGraph:
    """Operators in execution order, one input, one output.

    Attributes:
        tensors: every activation by name.
        operators: each reads only the graph's input or outputs of operators before it.
        input: name of the input tensor.
        output: name of the output tensor, shape ``(1, 1, classes)``.
        metadata: what a device needs beside the arithmetic (labels, normalisation), as the model file states it.
    """

    tensors: Mapping[str, Tensor]
    operators: tuple[Operator, ...]
    input: str
    output: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    def sha256(self) -> str:
        """Hash of all that decides the graph's output bytes (not of metadata), as 64 hexadecimal digits."""
        digest = hashlib.sha256(f"{self.input}>{self.output}".encode())
        for name in sorted(self.tensors):
            digest.update(repr(self.tensors[name]).encode())
        for operator in self.operators:
            digest.update(type(operator).__name__.encode())
            for part in fields(operator):
                value = getattr(operator, part.name)
                digest.update(part.name.encode())
                digest.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
        return digest.hexdigest()

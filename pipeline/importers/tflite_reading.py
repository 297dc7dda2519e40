"""One pass over the operators of a TensorFlow Lite file: what each of its tensors stands for in the integer graph.

The modules that read single kinds of operators take a :class:`Reading` as their context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from pipeline.errors import SixfoldError
from pipeline.graph.ir import NO_PADDING, IntegerGraph, Operator, Padding, Tensor
from pipeline.importers.flatbuffer import Table
from pipeline.importers.names import Names
from pipeline.importers.tflite_file import OperatorInfo, TensorInfo, TfliteFile

_TYPES = schema.TensorType
_ACTIVATIONS = schema.ActivationFunctionType
_RANGES: dict[int, tuple[str, float | None, float | None]] = {
    _ACTIVATIONS.RELU: ("RELU", 0, None),
    _ACTIVATIONS.RELU_N1_TO_1: ("RELU_N1_TO_1", -1, 1),
    _ACTIVATIONS.RELU6: ("RELU6", 0, 6),
}
#: Rows, columns or channels.
_LONGEST_AXIS = 2**16
_SMALLEST_SCALE = 1e-30


@dataclass(frozen=True)
class Entry:
    """The network's input before it is quantised to int8."""

    info: TensorInfo


@dataclass(frozen=True)
class Activation:
    """An int8 tensor of the graph, with rows and columns of zero points around it that a PAD added."""

    tensor: Tensor
    padding: Padding = NO_PADDING


@dataclass(frozen=True)
class Scores:
    """What was made of the logits: their order, but no longer their codes."""

    logits: Tensor
    operator: str


Value: TypeAlias = Entry | Activation | Scores


class Reading:
    """What is known so far, and the operator that is being read.

    Attributes:
        file: an opened file.
        index: of the operator that is being read.
        notes: what the user should know: what was left out or written as something else.
        input: name of the graph's input once it is known.
    """

    def __init__(self, file: TfliteFile, noted_names: Sequence[str] = ()) -> None:
        """Begin with the file's input.

        Args:
            file: an opened file.
            noted_names: names for the operators without weights, in order, where the file's writer noted them.

        Raises:
            SixfoldError: the file takes or gives anything but one image and one tensor.
        """
        self.file = file
        self.index = 0
        self.notes: list[str] = []
        self.input: str | None = None
        self._names = Names()
        self._noted_names = iter(noted_names)
        self._values: dict[int, Value] = {}
        self._tensors: dict[str, Tensor] = {}
        self._operators: list[Operator] = []
        self._read_input()

    @property
    def described(self) -> str:
        """The operator that is being read, for messages."""
        return f"operator {self.index} ({self.file.operators[self.index].name})"

    def refuse(self, reason: str) -> NoReturn:
        """Refuse the operator that is being read."""
        raise SixfoldError(f"{self.file.where}: {self.described}: {reason}")

    def note(self, text: str) -> None:
        """Tell the user something of the operator that is being read."""
        self.notes.append(f"{self.described}: {text}")

    def value(self, position: int) -> Value:
        """What an input of the operator stands for."""
        inputs = self.file.operators[self.index].inputs
        index = inputs[position] if position < len(inputs) else -1
        value = self._values.get(index)
        if value is None:
            self.refuse(f"its input {position} is no activation that was computed before it")
        return value

    def activation(self, position: int, padded: bool = False) -> Activation:
        """An int8 input of the operator; one that a PAD made only if `padded`."""
        value = self.value(position)
        match value:
            case Entry():
                self.refuse(f"its input is {value.info.type_name}; only int8 networks can be imported")
            case Scores():
                self.refuse(f"computes with the result of {value.operator}, which can only end a classifier")
            case Activation() if value.padding != NO_PADDING and not padded:
                self.refuse("its input was padded; only convolutions can take padding in")
        assert isinstance(value, Activation)
        return value

    def result(self, shape: tuple[int, int, int], activation: int = _ACTIVATIONS.NONE) -> Tensor:
        """The tensor that the operator writes, checked against the shape that it must have and its fused activation."""
        index = self.file.operators[self.index].outputs[0]
        tensor = self._tensor(index, shape)
        self._check_saturation(tensor, activation)
        self.bind(Activation(tensor))
        return tensor

    def bind(self, value: Value) -> None:
        """Say what the operator's output stands for."""
        index = self.file.operators[self.index].outputs[0]
        if index in self._values or self.file.constant(index) is not None:
            self.refuse(f"writes tensor {index}, which has a value already")
        self._values[index] = value

    def options(self, operator: OperatorInfo, kind: int) -> Table:
        """The operator's parameters, which must be of this member of ``schema.BuiltinOptions``."""
        if operator.options is None or operator.options_type != kind:
            self.refuse("has no parameters, or another operator's")
        return operator.options

    def constant(self, position: int, dtype: type[np.generic]) -> npt.NDArray[Any] | None:
        """The constant at an input of the operator; None if it is none of this type."""
        inputs = self.file.operators[self.index].inputs
        index = inputs[position] if position < len(inputs) else -1
        values = self.file.constant(index) if index >= 0 and index not in self._values else None
        return values if values is not None and values.dtype == dtype else None

    def input_info(self, position: int) -> TensorInfo:
        """An input of the operator, which is there, as the file states it."""
        return self.file.tensors[self.file.operators[self.index].inputs[position]]

    def append(self, operator: Operator) -> None:
        """Add an operator to the graph."""
        self._operators.append(operator)

    def operator_name(self, wanted: str) -> str:
        """A free name for an operator of the graph, `wanted` if possible."""
        return self._names.operator(wanted, self.index)

    def noted_name(self, result: Tensor) -> str:
        """The same for one without weights: as the file's writer noted it, else as its result."""
        return self.operator_name(next(self._noted_names, result.name))

    def graph(self) -> IntegerGraph:
        """The graph, once all operators were read.

        Raises:
            SixfoldError: the output is no vector of logits, or something is computed and never used.
        """
        where = self.file.where
        value = self._values.get(self.file.outputs[0])
        if self.input is None or value is None or isinstance(value, Entry) or not self._operators:
            raise SixfoldError(f"{where}: its output is not computed from its input by int8 operators")
        output = value.logits if isinstance(value, Scores) else value.tensor
        if (isinstance(value, Activation) and value.padding != NO_PADDING) or output.shape[:2] != (1, 1):
            raise SixfoldError(f"{where}: its output has shape {list(output.shape)}; one vector of logits is needed")
        if output.shape[2] < 2:
            raise SixfoldError(f"{where}: has one output value; a classifier has one per class")
        if output.name == self.input:
            raise SixfoldError(f"{where}: its output is its input")
        read = {name for operator in self._operators for name in operator.inputs} | {output.name}
        for name in self._tensors:
            if name not in read:
                raise SixfoldError(f"{where}: tensor {name!r} is computed and never used")
        return IntegerGraph(self._tensors, tuple(self._operators), self.input, output.name)

    def output_info(self) -> TensorInfo:
        """The tensor that the operator writes, as the file states it."""
        return self.file.tensors[self.file.operators[self.index].outputs[0]]

    def _read_input(self) -> None:
        where = self.file.where
        if len(self.file.inputs) != 1 or len(self.file.outputs) != 1:
            counts = f"{len(self.file.inputs)} inputs and {len(self.file.outputs)} outputs"
            raise SixfoldError(f"{where}: has {counts}; a classifier has one of each")
        index = self.file.inputs[0]
        info = self.file.tensors[index]
        if len(info.shape) != 4 or info.shape[0] != 1:
            raise SixfoldError(
                f"{where}: input {info.name!r} has shape {list(info.shape)}; [1, height, width, channels] is needed"
            )
        if info.type == _TYPES.INT8:
            tensor = self._tensor(index, info.shape[1:])
            self.input = tensor.name
            self._values[index] = Activation(tensor)
        else:
            self._values[index] = Entry(info)

    def _tensor(self, index: int, shape: tuple[int, ...]) -> Tensor:
        """A new int8 tensor of the graph for tensor `index` of the file."""
        info = self.file.tensors[index]
        problem = _tensor_problem(info, shape)
        if problem is not None:
            raise SixfoldError(f"{self.file.where}: tensor {index} ({info.name!r}): {problem}")
        height, width, channels = shape
        # TensorFlow's converter joins the names of all that it fused; the first one is the layer's.
        name = self._names.tensor(info.name.partition(";")[0], index)
        tensor = Tensor(name, (height, width, channels), float(info.scale[0]), int(info.zero_point[0]))
        self._tensors[name] = tensor
        return tensor

    def _check_saturation(self, tensor: Tensor, activation: int) -> None:
        """Refuse a fused activation that does more than saturating to int8 does already."""
        if activation == _ACTIVATIONS.NONE:
            return
        if activation not in _RANGES:
            self.refuse(f"its fused activation {activation} is not supported")
        name, low, high = _RANGES[activation]
        least, most = _clamp(tensor, low, high)
        if (least, most) != (-128, 127):
            self.refuse(
                f"its fused {name} clamps codes to {least}..{most}, where the integer graph can only saturate to "
                "-128..127; convert the network with an output range that begins and ends with the activation's"
            )


def _tensor_problem(info: TensorInfo, shape: tuple[int, ...]) -> str | None:
    """Why a tensor cannot be an activation of this shape."""
    if info.type != _TYPES.INT8:
        return f"is {info.type_name}; only int8 networks can be imported"
    flat = (1, shape[2]) if shape[:2] == (1, 1) else None
    if info.shape not in ((1, *shape), flat) or max(shape) > _LONGEST_AXIS:
        return f"has shape {list(info.shape)}; its operator gives {[1, *shape]}, at most {_LONGEST_AXIS} are supported"
    if len(info.scale) != 1 or len(info.zero_point) != 1:
        return f"has {len(info.scale)} scales and {len(info.zero_point)} zero points; an activation has one of each"
    scale, zero_point = float(info.scale[0]), int(info.zero_point[0])
    # Below this, 1 / scale is no float32, and neither is what is computed with it.
    if not _SMALLEST_SCALE <= scale <= 1 / _SMALLEST_SCALE:
        return f"has scale {scale:g}; it must be a finite number above 0"
    if not -128 <= zero_point <= 127:
        return f"has zero point {zero_point}; that of int8 is in -128..127"
    return "has custom quantisation, sparsity, external data or state" if not info.plain else None


def _clamp(tensor: Tensor, low: float | None, high: float | None) -> tuple[int, int]:
    """The codes that TensorFlow Lite clamps to: both ends divided by the scale in float32, rounded half away from 0."""

    def code(real: float) -> int:
        steps = float(np.float32(real) / np.float32(tensor.scale))
        return tensor.zero_point + int(np.copysign(np.floor(abs(steps) + 0.5), steps))

    least = -128 if low is None else max(-128, code(low))
    return least, 127 if high is None else min(127, code(high))

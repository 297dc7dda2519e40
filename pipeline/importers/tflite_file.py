"""A TensorFlow Lite file as plain objects: only the tables that an importer of classifiers needs, all limits checked.

Fields are numbered as in TensorFlow Lite's schema (schema.fbs), whose enumerations come from LiteRT's generated module;
of that module nothing else is used here, because its readers follow any offset.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from pipeline.errors import SixfoldError
from pipeline.graph.limits import MOST_ELEMENTS
from pipeline.importers.flatbuffer import Flatbuffer, Table
from pipeline.importers.imported import LARGEST_FILE

IDENTIFIER = b"TFL3"

#: Tensors, operators and buffers; a MobileNetV2 has about 175, 65 and 110.
MOST_OBJECTS = 10_000
MOST_AXES = 4
#: Tensors that one operator, or the whole network, reads or writes.
_MOST_OPERANDS = 64
#: Bytes of a name; longer ones are cut.
_NAME_BYTES = 256


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


_OPERATOR_NAMES = _names(schema.BuiltinOperator)
_TYPE_NAMES = _names(schema.TensorType)
_DTYPES = {
    schema.TensorType.FLOAT32: "<f4",
    schema.TensorType.INT32: "<i4",
    schema.TensorType.INT64: "<i8",
    schema.TensorType.INT8: "i1",
    schema.TensorType.UINT8: "u1",
}


@dataclass(frozen=True)
class TensorInfo:
    """A tensor as the file states it, nothing checked against what uses it.

    Attributes:
        shape: 0 to 4 axes, each at least 1.
        type: of ``schema.TensorType``.
        buffer: index of its constant data; 0 is none.
        scale: float32, empty where it is not quantised.
        zero_point: int64, as many as scales or empty.
        axis: along which there is more than one scale.
        plain: no sparsity, external data, custom quantisation or state.
    """

    name: str
    shape: tuple[int, ...]
    type: int
    buffer: int
    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int64]
    axis: int
    plain: bool

    @property
    def type_name(self) -> str:
        """For messages."""
        return _TYPE_NAMES.get(self.type, f"type {self.type}")


@dataclass(frozen=True)
class OperatorInfo:
    """An operator.

    Attributes:
        name: of the builtin operator, for messages: ``CONV_2D``.
        code: of ``schema.BuiltinOperator``.
        inputs: tensor indices; -1 is an optional input that is absent.
        outputs: tensor indices.
        options: its parameters, None where the file holds none.
        options_type: of ``schema.BuiltinOptions``.
    """

    name: str
    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None
    options_type: int


class TfliteFile:
    """An opened file of one subgraph.

    Attributes:
        where: the file's name, for messages.
        inputs: indices of the subgraph's input tensors.
        outputs: likewise.
    """

    def __init__(self, data: bytes, where: str) -> None:
        """Read all tables; constants only when they are asked for.

        Raises:
            SixfoldError: not a TensorFlow Lite file, damaged, or beyond a limit.
        """
        if len(data) > LARGEST_FILE:
            raise SixfoldError(f"{where}: {len(data)} bytes; at most {LARGEST_FILE} are read")
        self.where = where
        self._file = Flatbuffer(data, where)
        model = self._file.root(IDENTIFIER)
        if model.uint32(0) != 3:
            raise SixfoldError(f"{where}: schema version {model.uint32(0)}; only 3 is known")
        subgraphs = model.tables(2, MOST_OBJECTS)
        if len(subgraphs) != 1:
            raise SixfoldError(f"{where}: {len(subgraphs)} subgraphs; a classifier has one")
        self._buffers = model.tables(4, MOST_OBJECTS)
        self._codes = [_operator_code(table) for table in model.tables(1, MOST_OBJECTS)]
        graph = subgraphs[0]
        self.tensors = [self._tensor(index, table) for index, table in enumerate(graph.tables(0, MOST_OBJECTS))]
        self.inputs = self._indices(graph, 1, "subgraph")
        self.outputs = self._indices(graph, 2, "subgraph")
        self.operators = [self._operator(index, table) for index, table in enumerate(graph.tables(3, MOST_OBJECTS))]
        self._metadata = {
            entry.text(0)[:_NAME_BYTES]: entry.uint32(1) for entry in model.tables(6, MOST_OBJECTS) if entry.has(1)
        }
        self._constants: dict[int, npt.NDArray[Any]] = {}

    @property
    def data(self) -> bytes:
        """The whole file."""
        return self._file.data

    def constant(self, index: int) -> npt.NDArray[Any] | None:
        """The constant data of tensor `index` in its shape, read-only; None if it has none or not exactly as much as
        its shape and type say.
        """
        if index not in self._constants:
            tensor = self.tensors[index]
            dtype = _DTYPES.get(tensor.type)
            if tensor.buffer == 0 or dtype is None or not tensor.plain:
                return None
            data = self._buffer(tensor.buffer)
            if len(data) != math.prod(tensor.shape) * np.dtype(dtype).itemsize:
                return None
            self._constants[index] = np.frombuffer(data, dtype).reshape(tensor.shape)
        return self._constants[index]

    def metadata(self, wanted: Callable[[str], bool]) -> dict[str, bytes]:
        """The metadata entries of the `wanted` names."""
        found = {name: index for name, index in self._metadata.items() if index < len(self._buffers) and wanted(name)}
        return {name: self._buffer(index) for name, index in found.items()}

    def _buffer(self, index: int) -> bytes:
        # Fields 1 and 2 place the data behind the flatbuffer, which only models above 2 GiB need.
        return self._buffers[index].bytes(0)

    def _tensor(self, index: int, table: Table) -> TensorInfo:
        name = table.text(3)[:_NAME_BYTES]
        axes = table.array(0, "<i4")
        shape = tuple(axes[: MOST_AXES + 1].tolist())
        if len(shape) > MOST_AXES or min(shape, default=1) < 1 or math.prod(shape) > MOST_ELEMENTS:
            raise SixfoldError(
                f"{self.where}: tensor {index} ({name!r}): shape {list(shape)}; at most {MOST_AXES} axes, all at "
                f"least 1, and {MOST_ELEMENTS} elements are read"
            )
        buffer = table.uint32(2)
        if buffer >= max(1, len(self._buffers)):
            raise SixfoldError(f"{self.where}: tensor {index} ({name!r}): there is no buffer {buffer}")
        parameters = table.table(4)
        scale, zero_point, axis, custom = np.zeros(0, np.float32), np.zeros(0, np.int64), 0, False
        if parameters is not None:
            scale, zero_point = parameters.array(2, "<f4"), parameters.array(3, "<i8")
            axis, custom = parameters.int32(6), parameters.uint8(4) != 0
        # 5: a variable, 6: sparse, 9: a variant, 10: data in another file.
        plain = not (custom or table.uint8(5) or table.has(6) or table.has(9) or table.uint32(10))
        return TensorInfo(name, shape, table.int8(1), buffer, scale, zero_point, axis, plain)

    def _operator(self, index: int, table: Table) -> OperatorInfo:
        opcode = table.uint32(0)
        if opcode >= len(self._codes):
            raise SixfoldError(f"{self.where}: operator {index}: there is no operator code {opcode}")
        code, name = self._codes[opcode]
        where = f"operator {index} ({name})"
        inputs, outputs = self._indices(table, 1, where, optional=True), self._indices(table, 2, where)
        return OperatorInfo(name, code, inputs, outputs, table.table(4), table.uint8(3))

    def _indices(self, table: Table, field: int, where: str, optional: bool = False) -> tuple[int, ...]:
        indices = tuple(table.array(field, "<i4")[: _MOST_OPERANDS + 1].tolist())
        lowest = -1 if optional else 0
        if len(indices) > _MOST_OPERANDS or any(not lowest <= index < len(self.tensors) for index in indices):
            raise SixfoldError(f"{self.where}: {where}: refers to a tensor that does not exist, or to too many")
        return indices


def _operator_code(table: Table) -> tuple[int, str]:
    # Codes above 127 do not fit the old field, which then holds 127 as a placeholder.
    code = max(table.int8(0), table.int32(3))
    if code == schema.BuiltinOperator.CUSTOM:
        return code, f"custom {table.text(1)[:_NAME_BYTES]!r}"
    return code, _OPERATOR_NAMES.get(code, f"operator code {code}")

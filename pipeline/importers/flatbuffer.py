"""The flatbuffer wire format, read from bytes that may be damaged or hostile.

Source: the FlatBuffers internals document (flatbuffers.dev). Generated readers follow whatever offset the file holds;
this one checks every position against the file before it is read, and every byte that a vector or table makes us read
against a budget, so that vectors which overlap cannot make a small file expensive. Nothing recurses.
"""

from __future__ import annotations

import struct
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from pipeline.errors import SixfoldError

_UINT8 = struct.Struct("<B")
_INT8 = struct.Struct("<b")
_UINT16 = struct.Struct("<H")
_INT32 = struct.Struct("<i")
_UINT32 = struct.Struct("<I")
_UINT64 = struct.Struct("<Q")
_FLOAT32 = struct.Struct("<f")

#: Bytes that may be read for each byte of the file. Builders let equal strings and buffers share their bytes; a file in
#: which everything is read this often is not one of theirs.
_READS_PER_BYTE = 4
#: What opening a table counts as: its object is larger than its bytes.
_TABLE_COST = 32


class Flatbuffer:
    """A file's bytes and what may still be read of them.

    Attributes:
        data: the whole file.
        where: its name, for messages.
    """

    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.where = where
        self._budget = _READS_PER_BYTE * len(data)

    def root(self, identifier: bytes) -> Table:
        """The root table of a file of this four-byte identifier.

        Raises:
            SixfoldError: another identifier, or the root lies outside of the file.
        """
        if self.data[4:8] != identifier:
            raise SixfoldError(f"{self.where}: no {identifier.decode()} file; bytes 4 to 8 are {self.data[4:8]!r}")
        return Table(self, self.read(_UINT32, 0))

    def read(self, kind: struct.Struct, position: int) -> Any:
        """The number at `position`."""
        if position < 0 or position + kind.size > len(self.data):
            self.damaged(position, "points outside of the file")
        return kind.unpack_from(self.data, position)[0]

    def spend(self, position: int, count: int) -> None:
        """Take `count` bytes from the budget."""
        self._budget -= count
        if self._budget < 0:
            self.damaged(position, "refers to the same bytes again and again")

    def damaged(self, position: int, reason: str) -> NoReturn:
        """Refuse the file."""
        raise SixfoldError(f"{self.where}: damaged or no flatbuffer: byte {position} {reason}")


class Table:
    """A table of the file. Fields are numbered from 0 in the order of the schema."""

    def __init__(self, file: Flatbuffer, position: int) -> None:
        self.file = file
        self.position = position
        file.spend(position, _TABLE_COST)
        self._vtable = position - file.read(_INT32, position)
        size = file.read(_UINT16, self._vtable)
        self._size = file.read(_UINT16, self._vtable + 2)
        if size < 4 or size % 2 or self._vtable + size > len(file.data):
            file.damaged(self._vtable, "begins no table of fields")
        if self._size < 4 or position + self._size > len(file.data):
            file.damaged(position, "begins a table that does not fit the file")
        self._fields = size // 2 - 2

    def uint8(self, field: int, default: int = 0) -> int:
        """An unsigned byte: enumerations, unions' types, truth values."""
        return int(self._scalar(field, _UINT8, default))

    def int8(self, field: int, default: int = 0) -> int:
        """A signed byte."""
        return int(self._scalar(field, _INT8, default))

    def int32(self, field: int, default: int = 0) -> int:
        """A signed 32-bit integer."""
        return int(self._scalar(field, _INT32, default))

    def uint32(self, field: int, default: int = 0) -> int:
        """An unsigned 32-bit integer."""
        return int(self._scalar(field, _UINT32, default))

    def uint64(self, field: int, default: int = 0) -> int:
        """An unsigned 64-bit integer."""
        return int(self._scalar(field, _UINT64, default))

    def float32(self, field: int, default: float = 0.0) -> float:
        """A float32, possibly not finite."""
        return float(self._scalar(field, _FLOAT32, default))

    def has(self, field: int) -> bool:
        """Whether the field is stored."""
        return self._slot(field, 1) is not None

    def table(self, field: int) -> Table | None:
        """A table that the field refers to."""
        slot = self._slot(field, 4)
        return None if slot is None else Table(self.file, self._target(slot))

    def tables(self, field: int, limit: int) -> list[Table]:
        """A vector of tables, at most `limit`; empty where it is not stored."""
        start, count = self._vector(field, 4)
        if count > limit:
            self.file.damaged(start, f"begins {count} tables; at most {limit} are read")
        return [Table(self.file, self._target(start + 4 * index)) for index in range(count)]

    def array(self, field: int, dtype: str) -> npt.NDArray[Any]:
        """A vector of numbers, not copied; empty where it is not stored.

        Args:
            field: the field.
            dtype: little-endian numpy type, for example ``<i4``.
        """
        kind = np.dtype(dtype)
        start, count = self._vector(field, kind.itemsize)
        return np.frombuffer(self.file.data, kind, count, start)

    def bytes(self, field: int) -> bytes:
        """A vector of bytes, a string's too; empty where it is not stored."""
        start, count = self._vector(field, 1)
        return self.file.data[start : start + count]

    def text(self, field: int) -> str:
        """A string; bytes that are no UTF-8 read as U+FFFD."""
        return self.bytes(field).decode("utf-8", errors="replace")

    def _slot(self, field: int, width: int) -> int | None:
        """Where the field lies, None if it is not stored."""
        if field >= self._fields:
            return None
        offset = self.file.read(_UINT16, self._vtable + 4 + 2 * field)
        if offset == 0:
            return None
        if offset < 4 or offset + width > self._size:
            self.file.damaged(self._vtable + 4 + 2 * field, "names a field outside of its table")
        return self.position + int(offset)

    def _scalar(self, field: int, kind: struct.Struct, default: float) -> Any:
        slot = self._slot(field, kind.size)
        return default if slot is None else self.file.read(kind, slot)

    def _target(self, slot: int) -> int:
        return slot + int(self.file.read(_UINT32, slot))

    def _vector(self, field: int, width: int) -> tuple[int, int]:
        """First element's position and the number of elements."""
        slot = self._slot(field, 4)
        if slot is None:
            return 0, 0
        position = self._target(slot)
        count = int(self.file.read(_UINT32, position))
        if position + 4 + count * width > len(self.file.data):
            self.file.damaged(position, f"begins a vector of {count} elements that does not fit the file")
        self.file.spend(position, count * width)
        return position + 4, count

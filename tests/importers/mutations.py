"""Damage to files, derived from a seed alone: bytes, structure-aware slots of a flatbuffer, fields of a protobuf."""

import struct
from dataclasses import dataclass
from random import Random
from typing import Any

import onnx
from google.protobuf.message import DecodeError

from pipeline.errors import SixfoldError
from pipeline.importers import flatbuffer
from pipeline.importers.model_file import read_model

_INTEGERS = (0, 1, 2, 3, 4, 7, 8, 127, 128, 255, 256, 2**15 - 1, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
_FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-45, 1e-38, 1e38, float("inf"), float("-inf"), float("nan"), 6 / 255, 127.0)
#: How many changes one file gets: one damages least and so reaches furthest.
_CHANGES = (1, 1, 1, 1, 2, 3, 6)


@dataclass(frozen=True)
class Seed:
    """A valid file.

    Attributes:
        slots: positions that reading it looks at: offsets, lengths and numbers. Empty for ONNX.
    """

    name: str
    data: bytes
    slots: tuple[int, ...]


def seed(name: str, data: bytes) -> Seed:
    """Record what reading a file looks at."""
    positions: set[int] = set()
    read = flatbuffer.Flatbuffer.read

    def recording(self: flatbuffer.Flatbuffer, kind: struct.Struct, position: int) -> Any:
        if self.data is data:
            positions.add(position)
        return read(self, kind, position)

    flatbuffer.Flatbuffer.read = recording  # type: ignore[method-assign]
    try:
        read_model(data, name)
    except SixfoldError:
        pass
    finally:
        flatbuffer.Flatbuffer.read = read  # type: ignore[method-assign]
    return Seed(name, data, tuple(sorted(positions)))


def mutated(seeds: list[Seed], index: int) -> bytes:
    """Damaged file number `index`."""
    random = Random(index)
    start = random.choice(seeds)
    if not start.slots and random.random() < 0.6:
        return _mutated_onnx(start.data, random)
    data = bytearray(start.data)
    for _ in range(random.choice(_CHANGES)):
        if not data:
            break
        change = random.choice(_BYTE_CHANGES if not start.slots else (*_BYTE_CHANGES, *[_slot] * 8))
        change(data, start, seeds, random)
    return bytes(data)


def _position(data: bytearray, random: Random, width: int = 1) -> int:
    return random.randrange(max(1, len(data) - width + 1))


def _flip(data: bytearray, start: Seed, seeds: list[Seed], random: Random) -> None:
    data[_position(data, random)] ^= 1 << random.randrange(8)


def _byte(data: bytearray, start: Seed, seeds: list[Seed], random: Random) -> None:
    data[_position(data, random)] = random.choice((0, 1, 127, 128, 255, random.randrange(256)))


def _insert(data: bytearray, start: Seed, seeds: list[Seed], random: Random) -> None:
    at = _position(data, random)
    data[at:at] = random.randbytes(random.choice((1, 2, 4, 8, 64)))


def _delete(data: bytearray, start: Seed, seeds: list[Seed], random: Random) -> None:
    at = _position(data, random)
    del data[at : at + random.choice((1, 2, 4, 8, 64, 512))]


def _truncate(data: bytearray, start: Seed, seeds: list[Seed], random: Random) -> None:
    del data[_position(data, random) :]


def _splice(data: bytearray, start: Seed, seeds: list[Seed], random: Random) -> None:
    """A part of some file over a part of this one."""
    other = random.choice(seeds).data
    length = random.choice((4, 16, 64, 256, 1024))
    source, at = random.randrange(len(other)), _position(data, random)
    piece = other[source : source + length]
    data[at : at + len(piece)] = piece


def _number(data: bytearray, start: Seed, seeds: list[Seed], random: Random) -> None:
    _write(data, _position(data, random, 4) & ~3, random)


def _slot(data: bytearray, start: Seed, seeds: list[Seed], random: Random) -> None:
    """An offset, length or number that is read becomes another, often another slot's."""
    at = random.choice(start.slots)
    if random.random() < 0.5:
        _write(data, at, random)
        return
    other = random.choice(start.slots)
    # A relative offset to what another slot refers to makes two tables overlap; a backward one makes a cycle.
    target = other if random.random() < 0.5 else other + struct.unpack_from("<I", start.data.ljust(other + 4), other)[0]
    if at + 4 <= len(data):
        struct.pack_into("<I", data, at, (target - at) % 2**32)


def _write(data: bytearray, at: int, random: Random) -> None:
    kind = random.choice("HIIIfq")
    width = struct.calcsize(kind)
    if at + width > len(data):
        return
    if kind == "f":
        struct.pack_into("<f", data, at, random.choice(_FLOATS))
        return
    value = random.choice((*_INTEGERS, len(data), len(data) - at, random.randrange(2**32), random.randrange(64)))
    if random.random() < 0.3:
        value = struct.unpack_from("<H", data, at)[0] + random.randint(-4, 4)
    bits = 8 * width
    struct.pack_into(f"<{kind}", data, at, value % 2**bits if kind != "q" else value)


_BYTE_CHANGES = (_flip, _byte, _insert, _delete, _truncate, _splice, _number)


def _mutated_onnx(data: bytes, random: Random) -> bytes:
    """A well-formed protobuf with wrong contents."""
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError:
        return data
    for _ in range(random.choice(_CHANGES)):
        random.choice((_change_node, _change_node, _change_attribute, _change_initializer, _change_interface))(
            model.graph, random
        )
    return bytes(model.SerializeToString())


def _change_node(graph: Any, random: Random) -> None:
    if not graph.node:
        return
    node, other = random.choice(graph.node), random.choice(graph.node)
    match random.randrange(7):
        case 0:
            graph.node.remove(node)
        case 1:
            graph.node.append(other)
        case 2:
            node.op_type = random.choice((other.op_type, "Clip", "Relu", ""))
        case 3 if node.input:
            node.input[random.randrange(len(node.input))] = random.choice((*other.input, *other.output, "", "nowhere"))
        case 4:
            del node.input[:1]
        case 5 if node.output:
            node.output[0] = random.choice((*other.input, *other.output, ""))
        case _:
            node.name = random.choice((other.name, "", "a\nb", "x" * 1000))


def _change_attribute(graph: Any, random: Random) -> None:
    attributes = [attribute for node in graph.node for attribute in node.attribute]
    if not attributes:
        return
    attribute = random.choice(attributes)
    number = random.choice((-1, 0, 1, 2, 3, 5, 2**31, 2**62, -(2**63)))
    match random.randrange(5):
        case 0 if attribute.ints:
            attribute.ints[random.randrange(len(attribute.ints))] = number
        case 1 if attribute.ints:
            del attribute.ints[0]
        case 2:
            attribute.i = number
        case 3:
            attribute.type = random.randrange(15)
        case _:
            attribute.name = random.choice(("strides", "pads", "axis", "group", "alpha", "other"))


def _change_initializer(graph: Any, random: Random) -> None:
    if not graph.initializer:
        return
    initializer = random.choice(graph.initializer)
    match random.randrange(6):
        case 0 if initializer.dims:
            at = random.randrange(len(initializer.dims))
            initializer.dims[at] = random.choice((-1, 0, 1, 2, 2**31, 2**62))
        case 1:
            initializer.data_type = random.randrange(25)
        case 2:
            initializer.raw_data = initializer.raw_data[: random.randrange(len(initializer.raw_data) + 1)]
        case 3:
            width = len(initializer.raw_data) // 4
            initializer.raw_data = struct.pack("<f", random.choice(_FLOATS)) * width
        case 4:
            initializer.data_location = random.randrange(2)
        case _:
            del initializer.dims[:]


def _change_interface(graph: Any, random: Random) -> None:
    value = random.choice((*graph.input, *graph.output))
    dims = value.type.tensor_type.shape.dim
    match random.randrange(4):
        case 0 if dims:
            dims[random.randrange(len(dims))].dim_value = random.choice((-1, 0, 1, 2, 31, 2**20, 2**62))
        case 1:
            value.type.tensor_type.elem_type = random.randrange(25)
        case 2:
            value.name = random.choice(("input", "nowhere", ""))
        case _:
            graph.input.append(value)

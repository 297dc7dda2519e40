"""C text from Python values: constant arrays, literals, templates. What every emitter of `model.c` shares."""

import math
import textwrap
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt

from pipeline.graph.ir import IntegerGraph

_TYPES = {"int8_t": "i1", "int32_t": "<i4", "uint32_t": "<u4"}


@dataclass(frozen=True)
class Array:
    """A constant array: C type, identifier, number of elements, initialiser lines, bytes in the device's memory."""

    type: str
    name: str
    length: int
    values: str
    data: bytes


@dataclass(frozen=True)
class Constants:
    """What a board checks before its first inference: identifiers in order, and size and CRC-32 of all together."""

    regions: tuple[str, ...]
    bytes: int
    crc32: int


def array(c_type: str, name: str, values: npt.NDArray[Any]) -> Array:
    """A constant array of a C type that has an entry in this module."""
    # The most negative int32 has no literal of its own in C.
    text = ", ".join("(-2147483647 - 1)" if value == -(2**31) else str(value) for value in values.ravel().tolist())
    lines = textwrap.wrap(text, 116, break_long_words=False, break_on_hyphens=False)
    data = values.astype(_TYPES[c_type]).tobytes()
    return Array(c_type, name, int(values.size), "".join(f"    {line}\n" for line in lines), data)


def constants(arrays: Iterable[Array]) -> Constants:
    """All constant arrays of a model together."""
    listed = list(arrays)
    data = b"".join(array.data for array in listed)
    return Constants(tuple(array.name for array in listed), len(data), zlib.crc32(data))


def description(graph: IntegerGraph) -> dict[str, Any]:
    """What every `model.c` and `model.h` says about the graph, by the templates' names."""
    sha256 = graph.sha256()
    return {
        "sha256": sha256,
        "hash_bytes": ", ".join(f"0x{byte:02x}" for byte in bytes.fromhex(sha256)),
        "input": graph.tensors[graph.input],
        "output": graph.tensors[graph.output],
        "output_decay": round(math.exp(-graph.tensors[graph.output].scale) * 2**31),
    }


def render(template: str, values: dict[str, Any]) -> str:
    """Fill in a template of this package's folder."""
    # The one text that comes from outside is an operator's name, which the templates pass through c_string.
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"c_string": c_string, "c_float": _c_float, "c_shape": c_shape, "hex": "0x{:08x}".format}
    return environment.get_template(template).render(values)


def c_string(text: str) -> str:
    """A C string literal of any text: what is not plain ASCII as octal escapes of its UTF-8 bytes."""
    plain = set(range(32, 127)) - set(b'"\\?')  # ? could begin a trigraph
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'


def c_shape(shape: tuple[int | str, ...]) -> str:
    """The initialiser of a struct of numbers."""
    return "{" + ", ".join(map(str, shape)) + "}"


def _c_float(value: float) -> str:
    """A float literal that reads back as the same float32."""
    return f"{np.float32(value)!s}f" if "." in str(np.float32(value)) else f"{np.float32(value):.9e}f"

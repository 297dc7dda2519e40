"""Sizes of memories in configuration files."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2}


def parse_bytes(value: Any) -> int:
    """Read a memory size: a number of bytes, or a number with unit ``B``, ``KiB`` or ``MiB``.

    Raises:
        ValueError: any other text; decimal units are refused because a datasheet's "128 KB" is ambiguous.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = re.fullmatch(r"(\d{1,9})\s*(B|KiB|MiB)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a size; write for example 96KiB, 1MiB or a number of bytes")
    return int(match[1]) * _UNITS[match[2]]


Bytes = Annotated[int, BeforeValidator(parse_bytes)]

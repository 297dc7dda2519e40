"""What commands print for scripts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from sys import stderr
from typing import Any


def print_json(value: Any) -> None:
    """Print JSON with sorted keys on standard output: same value, same bytes.

    Raises:
        ValueError: a number is not finite; JSON has none such.
    """
    print(json.dumps(value, indent=2, sort_keys=True, allow_nan=False))


@contextmanager
def prose_to_stderr(wanted: bool) -> Iterator[None]:
    """Send what the block prints to standard error if `wanted`: where JSON is asked for, nothing may surround it."""
    if not wanted:
        yield
        return
    with redirect_stdout(stderr):
        yield

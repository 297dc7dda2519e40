"""Running the programmers' programs."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.flash import Plan
from pipeline.programs import run_program

#: A megabyte over a slow probe takes two minutes.
TIME_LIMIT_S = 600.0

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Ran:
    """What a program said, stdout and stderr in the order in which they came, and its exit code."""

    output: str
    code: int

    def last(self, *patterns: str) -> str:
        """The last line that one of the patterns matches, else the last line of all: for a message."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        marked = [line for line in lines if any(re.search(pattern, line) for pattern in patterns)]
        return (marked or lines or ["no message"])[-1][:300]

    def said(self, *patterns: str) -> bool:
        """Whether one of the patterns is in the output."""
        return any(re.search(pattern, self.output) for pattern in patterns)


@contextmanager
def folder_of(plan: Plan) -> Iterator[Path]:
    """A temporary folder with the plan's files, for the block."""
    with tempfile.TemporaryDirectory(prefix="sixfold-flash-") as name:
        folder = Path(name)
        for file, content in plan.files.items():
            (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
        yield folder


def run(command: Sequence[str], folder: Path, get: str, heard: Callable[[str], None] | None = None) -> Ran:
    """Run a program to its end.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        get: how to get it, for the message if it is missing.
        heard: called with each line that it prints, as it comes.

    Raises:
        SixfoldError: it is not installed, or does not end.
    """
    environment = {**os.environ, "LC_ALL": "C", "NO_COLOR": "1", "TERM": "dumb"}
    environment.pop("DEBUGINFOD_URLS", None)  # gdb would ask the network
    output, code = run_program(
        command,
        folder,
        environment,
        time_limit_s=TIME_LIMIT_S,
        get=get,
        late="; is the board still there?",
        heard=heard,
    )
    return Ran(_COLOURS.sub("", output), code)

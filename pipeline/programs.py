"""Running other people's programs to their end, everything they say in one text."""

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from pipeline.errors import SixfoldError


def run_program(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    time_limit_s: float,
    get: str,
    late: str = "",
    heard: Callable[[str], None] | None = None,
) -> tuple[str, int]:
    """Run a program without input.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        environment: all its variables.
        time_limit_s: after so many seconds it is ended.
        get: how to get it, for the message if it is missing.
        late: what follows in the message if it does not end.
        heard: called with each line as it comes, in a thread of its own.

    Returns:
        What it said, stdout and stderr in the order in which they came, and its exit code.

    Raises:
        SixfoldError: it is not installed, or does not end.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except FileNotFoundError as error:
        raise SixfoldError(f"{command[0]}: not found; {get}") from error
    assert process.stdout is not None
    endless = f"{command[0]} did not end within {time_limit_s:g} s{late}"
    deadline = time.monotonic() + time_limit_s
    lines: list[str] = []
    # In a thread, so that a program that says nothing more is still ended in time.
    listener = threading.Thread(target=_listen, args=(process.stdout, lines, heard), daemon=True)
    listener.start()
    try:
        code = process.wait(time_limit_s)
    except subprocess.TimeoutExpired as error:
        raise SixfoldError(endless) from error
    finally:
        process.kill()
        process.wait()
    listener.join(max(0.0, deadline - time.monotonic()))
    if listener.is_alive():  # what the program started goes on, and could still say something
        raise SixfoldError(endless)
    process.stdout.close()
    return "".join(lines), code


def _listen(stream: IO[str], lines: list[str], heard: Callable[[str], None] | None) -> None:
    for line in stream:
        lines.append(line)
        if heard is not None:
            heard(line)

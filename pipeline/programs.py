"""Running other people's programs to their end, everything they say in one text."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import SixfoldError


def run_program(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    time_limit_s: float,
    get: str,
    late: str = "",
) -> tuple[str, int]:
    """Run a program without input.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        environment: all its variables.
        time_limit_s: after so many seconds it is ended.
        get: how to get it, for the message if it is missing.
        late: what follows in the message if it does not end.

    Returns:
        What it said, stdout and stderr in the order in which they came, and its exit code.

    Raises:
        SixfoldError: it is not installed, or does not end.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=time_limit_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise SixfoldError(f"{command[0]}: not found; {get}") from error
    except subprocess.TimeoutExpired as error:
        raise SixfoldError(f"{command[0]} did not end within {time_limit_s:g} s{late}") from error
    return done.stdout, done.returncode

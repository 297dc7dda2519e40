"""The two ways a command ends badly, and the one place that turns them into a line and an exit code."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")

#: As a shell reports a program that SIGINT ended.
INTERRUPTED = 130


class SixfoldError(Exception):
    """Wrong usage or bad input: one line that names the file, the field and the fix. Exit code 2."""


class GateFailedError(Exception):
    """Everything ran, and a budget or a parity check was not met. Exit code 1."""


def exits_cleanly(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that a :class:`SixfoldError` is one line on stderr and exit code 2, a failed gate 1.

    Any other exception is a defect of ours and keeps its traceback.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except SixfoldError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        except GateFailedError as error:
            print(f"failed: {error}", file=sys.stderr)
            sys.exit(1)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            sys.exit(INTERRUPTED)

    return wrapped

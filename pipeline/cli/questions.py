"""Questions to a person at a terminal; where there is none, what was not given takes its default."""

import sys
from collections.abc import Callable
from typing import TypeVar

import typer

from pipeline.errors import SixfoldError

T = TypeVar("T")


def interactive() -> bool:
    """Whether somebody can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def ask(question: str, given: T | None, default: T | None, convert: Callable[[str], T], flag: str, quiet: bool) -> T:
    """What was given on the command line, else the answer, else the default.

    Args:
        question: without its question mark.
        given: by a flag.
        default: offered, and taken where nobody is asked; None where there is none.
        convert: from the answer; a ValueError's message is shown, and the question asked again.
        flag: to be named where nobody can be asked.
        quiet: ask nothing.

    Raises:
        SixfoldError: nothing was given, there is no default, and nobody to ask.
    """
    if given is not None:
        return given
    if quiet or not interactive():
        if default is None:
            raise SixfoldError(f"{flag} is missing")
        return default
    while True:
        answer: str = typer.prompt(question, default=None if default is None else str(default))
        try:
            return convert(answer)
        except ValueError as error:
            print(f"  {error}")

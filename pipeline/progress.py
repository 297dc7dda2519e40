"""Progress bars on the terminal, silence elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_silent: ContextVar[bool] = ContextVar("silent", default=False)


@contextmanager
def progress_bar(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that advances the bar by a number of steps; nothing is drawn unless stderr is a terminal.

    The bar shows the time that is left, as estimated from the steps so far.
    """
    if _silent.get() or not sys.stderr.isatty():
        yield lambda _steps: None
        return
    from rich.console import Console  # noqa: PLC0415 - needed where something is drawn, and slow to import
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(description, total=total)
        yield lambda steps: progress.advance(task, steps)


@contextmanager
def silenced() -> Iterator[None]:
    """Draw no progress inside the block: something else has the terminal."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)

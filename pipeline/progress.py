"""Progress bars on the terminal, silence elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_silent: ContextVar[bool] = ContextVar("silent", default=False)


@contextmanager
def progress_bar(description: str, total: float) -> Iterator[Callable[[float], None]]:
    """Yield a function that advances the bar by some of `total`: steps, bytes, or a share of 1.

    Nothing is drawn unless stderr is a terminal. The bar shows the time that is left, as estimated from what is done.
    """
    if _silent.get() or not sys.stderr.isatty():
        yield lambda _amount: None
        return
    from rich.console import Console  # noqa: PLC0415 - needed where something is drawn, and slow to import
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(description, total=total)
        yield lambda amount: progress.advance(task, amount)


@contextmanager
def silenced() -> Iterator[None]:
    """Draw no progress inside the block: something else has the terminal."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)

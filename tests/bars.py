"""Progress bars, watched in place of drawn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest


def recorded_bars(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> list[tuple[float, list[float]]]:
    """Total and amounts of each bar that `module` opens from now on."""
    bars: list[tuple[float, list[float]]] = []

    @contextmanager
    def recorded(description: str, total: float) -> Iterator[Callable[[float], None]]:
        bars.append((total, []))
        yield bars[-1][1].append

    monkeypatch.setattr(module, "progress_bar", recorded)
    return bars

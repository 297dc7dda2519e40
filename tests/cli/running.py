"""Commands run inside the test's own process, which is many times as fast as starting one."""

import sys

import pytest

from pipeline import cli


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run `sixfold` with `arguments` as the console does; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["sixfold", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code if isinstance(ended.value.code, int) else 0

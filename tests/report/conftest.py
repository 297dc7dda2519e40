from pathlib import Path

import pytest

from tests.report.repository import make_repository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with every result in it."""
    monkeypatch.chdir(tmp_path)
    return make_repository(tmp_path)

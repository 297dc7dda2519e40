"""Runs on the board: the compiled network through the program `runner`; `run.py` says what an engine is."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any


class Engine:
    """One process of `runner` a call."""

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        shape = [*description["input"], description["classes"]]
        self._command = [str(folder / "runner"), str(folder / description["engine"]["library"]), *map(str, shape)]

    def infer(self, images: bytes) -> bytes:
        """See :class:`Runtime` in `run.py`; likewise `times`."""
        with tempfile.TemporaryDirectory() as folder:
            self._run(Path(folder), images)
            return Path(folder, "codes").read_bytes()

    def times(self, images: bytes, warm_up: int, repeats: int) -> list[float]:
        with tempfile.TemporaryDirectory() as folder:
            return [float(line) for line in self._run(Path(folder), images, warm_up, repeats).split()]

    def _run(self, folder: Path, images: bytes, *timing: int) -> str:
        (folder / "images").write_bytes(images)
        command = [*self._command, str(folder / "images"), str(folder / "codes"), *map(str, timing)]
        environment = {**os.environ, "TVM_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, env=environment, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or f"runner ended with status {done.returncode}")
        return done.stdout

"""Runs a Linux board's program on this computer, its processor emulated: image files in, code files out."""

import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array
from pipeline.progress import progress_bar


@dataclass(frozen=True)
class EmulatedProgram:
    """A program that reads a file of images and writes a file of codes, both plain int8 without a header.

    Attributes:
        name: of the target, for messages and the progress bar.
        classes: codes that it writes for an image.
        command: what to run for a file of images and the file of codes that it is to write; both lie in one folder
            that is empty otherwise.
        chunk: images given to it at once.
        time_limit_s: for one chunk.
        environment: of the process; None for this one's own.
    """

    name: str
    classes: int
    command: Callable[[Path, Path], Sequence[str]]
    chunk: int
    time_limit_s: int
    environment: Mapping[str, str] | None = None

    def run(self, inputs: Int8Array) -> Int8Array:
        """The codes ``(samples, classes)`` of `inputs` ``(samples, height, width, channels)``.

        Raises:
            SixfoldError: the program failed, took too long or wrote another number of codes.
        """
        rows = []
        with progress_bar(self.name, len(inputs)) as advance:
            for start in range(0, len(inputs), self.chunk):
                chunk = inputs[start : start + self.chunk]
                rows.append(self._run_chunk(chunk))
                advance(len(chunk))
        return np.concatenate(rows)

    def _run_chunk(self, inputs: Int8Array) -> Int8Array:
        with tempfile.TemporaryDirectory(prefix="sixfold-") as folder:
            images, codes = Path(folder, "images"), Path(folder, "codes")
            inputs.tofile(images)
            self._execute(self.command(images, codes))
            outputs = np.fromfile(codes, np.int8) if codes.is_file() else np.empty(0, np.int8)
        if outputs.size != len(inputs) * self.classes:
            wanted = f"{len(inputs)} x {self.classes}"
            raise SixfoldError(f"{self.name}: the emulated program wrote {outputs.size} codes, not {wanted}")
        return outputs.reshape(len(inputs), self.classes)

    def _execute(self, command: Sequence[str]) -> None:
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=self.time_limit_s,
                env=self.environment,
            )
        except subprocess.TimeoutExpired as error:
            message = f"{self.name}: the emulated program was not done after {self.time_limit_s} s"
            raise SixfoldError(message) from error
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"])[-1]
            raise SixfoldError(f"{self.name}: the emulated program failed: {reason}")

"""Counting an inference's instructions, address by address, in the emulator."""

import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array
from pipeline.host_compiler import compile_c
from pipeline.profile.program import Marks, read_marks
from pipeline.runners import RunResult
from pipeline.runners.firmware import EVALUATION, read_artefact
from pipeline.runners.qemu_system import run_artefact
from pipeline.targets import Target

_SOURCE = Path(__file__).with_name("count_instructions.c")

#: Executed instructions by the part of the inference (as in :class:`Mark`) and the instruction's address.
Counts = Mapping[int, Mapping[int, int]]


def count_inference(artefact: Path, target: Target, image: Int8Array) -> tuple[Counts, RunResult]:
    """Run the firmware in folder `artefact` on one image and count.

    Args:
        artefact: what backend `cortex-m` wrote.
        target: names the emulated machine.
        image: int8 ``(height, width, channels)``.

    Returns:
        The counts; and what the run without them gives too.

    Raises:
        SixfoldError: a tool is missing, the artefact is damaged or too old, or the emulator failed.
    """
    built = read_artefact(artefact, EVALUATION)
    marks = read_marks(built.elf, len(built.layers))
    with tempfile.TemporaryDirectory(prefix="sixfold-profile-") as name:
        folder = Path(name)
        plugin = compile_c(_SOURCE, folder / "count_instructions.so", ("-shared", "-fPIC", "-fvisibility=hidden"))
        _write_marks(folder / "marks", marks)
        options = f"file={plugin},clock={marks.clock:x},marks={folder / 'marks'},out={folder / 'counts'}"
        result = run_artefact(artefact, target, image[np.newaxis], ("-plugin", options))
        counts = read_counts(folder / "counts")
    return counts, result


def _write_marks(path: Path, marks: Marks) -> None:
    path.write_text("".join(f"{mark.first:x} {mark.last:x} {mark.part}\n" for mark in marks.marks))


def read_counts(path: Path) -> Counts:
    """Read what the plugin wrote.

    Raises:
        SixfoldError: it is not whole, or the inference did not begin and end.
    """
    lines = path.read_text().splitlines() if path.is_file() else []
    if not lines or lines[-1] != "end 2":
        raise SixfoldError("the emulator's plugin saw no whole inference; its program is not ours")
    counts: dict[int, dict[int, int]] = defaultdict(dict)
    for line in lines[:-1]:
        part, address, count = line.split()
        counts[int(part)][int(address, 16)] = int(count)
    return counts

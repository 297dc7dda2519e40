"""Counting an inference's instructions, address by address, in the emulator."""

import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array
from pipeline.host_compiler import compile_c
from pipeline.profile.parts import Parts
from pipeline.runners import RunResult
from pipeline.runners.qemu_system import run_artefact
from pipeline.targets import Target

_SOURCE = Path(__file__).with_name("count_instructions.c")

#: Executed instructions by the part of the inference (a sum of the numbers of two marks) and the instruction's address.
Counts = Mapping[int, Mapping[int, int]]


def count_inference(artefact: Path, target: Target, parts: Parts, image: Int8Array) -> tuple[Counts, RunResult]:
    """Run the firmware in folder `artefact` on one image and count.

    Args:
        artefact: what backend `cortex-m` wrote.
        target: names the emulated machine.
        parts: of the program.
        image: int8 ``(height, width, channels)``.

    Returns:
        The counts; and what the run without them gives too.

    Raises:
        SixfoldError: a tool is missing, the artefact is damaged or not of our making, or the emulator failed.
    """
    with tempfile.TemporaryDirectory(prefix="sixfold-profile-") as name:
        folder = Path(name)
        plugin = compile_c(_SOURCE, folder / "count_instructions.so", ("-shared", "-fPIC", "-fvisibility=hidden"))
        marks, counts = folder / "marks", folder / "counts"
        marks.write_text(marks_file(parts))
        options = f"file={plugin},clock={parts.clock:x},windows={parts.windows},marks={marks},out={counts}"
        result = run_artefact(artefact, target, image[np.newaxis], ("-plugin", options))
        return read_counts(counts), result


def marks_file(parts: Parts) -> str:
    """What the plugin reads."""
    return "".join(
        f"{kind} {mark.span[0]:x} {mark.span[1]:x} {mark.number}\n"
        for kind, marks in (("code", parts.code), ("data", parts.data))
        for mark in marks
    )


def read_counts(path: Path) -> Counts:
    """Read what the plugin wrote.

    Raises:
        SixfoldError: it is not whole, or the inference did not begin and end.
    """
    lines = path.read_text().splitlines() if path.is_file() else []
    if not lines or lines[-1] != "end":
        raise SixfoldError("the emulator's plugin saw no whole inference; its program is not ours")
    counts: dict[int, dict[int, int]] = defaultdict(dict)
    for line in lines[:-1]:
        part, address, count = line.split()
        counts[int(part)][int(address, 16)] = int(count)
    return counts

"""Rows of emulated boards: exact instruction counts, memory from the linked firmware."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.networks import Network
from benchmarks.results import BoardRow
from pipeline.backends.cortex_m.compiler import compile_graph
from pipeline.files import atomic_folder, read_json
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.runners.qemu_system import run_artefact
from pipeline.targets import TARGETS_FOLDER, InputMode, Kernels, Target, load_target


@dataclass(frozen=True)
class Board:
    """A core and the emulated machine that has it.

    Attributes:
        name: of the target that is the machine with all its memory, so that the larger network fits: no claim
            about any real board.
    """

    core: str
    name: str

    def target(self, kernels: Kernels, given: InputMode = "frame") -> Target:
        """The board as the compiler and the runner take it; the budget is not looked at here."""
        return load_target(self.name, _TARGETS).model_copy(update={"kernels": kernels, "input": given})


_TARGETS = Path(__file__).resolve().parents[1] / TARGETS_FOLDER
BOARDS = {
    board.core: board
    for board in (
        Board("cortex-m3", "mps2-an385"),
        Board("cortex-m4", "mps2-an386"),
        Board("cortex-m7", "mps2-an500"),
        Board("cortex-m33", "mps2-an505"),
        Board("cortex-m55", "mps3-an547"),
    )
}


@dataclass(frozen=True)
class BoardCase:
    """What one row measures."""

    network: Network
    board: Board
    kernels: Kernels
    input: InputMode

    def __str__(self) -> str:
        return f"{self.network.name} {self.board.core} {self.kernels} {self.input}"

    @property
    def target(self) -> Target:
        """What is compiled and emulated."""
        return self.board.target(self.kernels, self.input)


def build_board(case: BoardCase, graph: IntegerGraph, folder: Path) -> Path:
    """Compile; returns the artefact, in `folder`.

    Raises:
        SixfoldError: it does not fit, a tool is missing or failed, or other kernels were linked than chosen.
    """
    artefact = folder / f"{case.network.name}-{case.board.core}-{case.kernels}-{case.input}"
    with atomic_folder(artefact) as temporary:
        compile_graph(graph, case.target, temporary)
    return artefact


def measure_board(
    case: BoardCase, graph: IntegerGraph, inputs: Int8Array, expected: Int8Array, folder: Path
) -> tuple[BoardRow, Mapping[str, str]]:
    """Compile, emulate and compare.

    Args:
        case: what to measure.
        graph: of the case's network.
        inputs: int8 ``(samples, height, width, channels)``.
        expected: outputs of the fixed-point reference, int8 ``(samples, classes)``.
        folder: where the artefact stays for inspection.

    Returns:
        The row, and versions of the tools that took part.

    Raises:
        SixfoldError: it does not fit, a tool is missing or failed, or other kernels were linked than chosen.
    """
    target = case.target
    artefact = build_board(case, graph, folder)
    memory = read_json(artefact / "memory.json")
    result = run_artefact(artefact, target, inputs)
    footprint = result.footprint
    assert footprint.ram_bytes and footprint.stack_bytes and footprint.flash_bytes
    row = BoardRow(
        network=case.network.name,
        core=case.board.core,
        where=result.cost.where,
        kernels=case.kernels,
        input=case.input,
        instructions=int(result.cost.value),
        macs=case.network.macs,
        ram_bytes=footprint.ram_bytes,
        stack_bytes=footprint.stack_bytes,
        flash_bytes=footprint.flash_bytes,
        code_bytes=memory["code_bytes"],
        mismatched=int(np.count_nonzero(result.codes != expected)),
    )
    return row, result.tools

"""Rows of this computer: wall-clock time of the runtimes that people deploy on it, side by side."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from benchmarks.networks import Network
from benchmarks.results import HostRow, Runtime
from pipeline.backends import load_backend
from pipeline.files import atomic_folder
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.parity import OPERATOR_TOLERANCE_LSB, compare, operator_parity
from pipeline.runners import RunResult, load_runner
from pipeline.targets import Target, load_target

RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)

#: Images that are run, compared and timed in turn.
SAMPLES = 8


@dataclass(frozen=True)
class HostCase:
    """What one row measures."""

    network: Network
    runtime: Runtime

    def __str__(self) -> str:
        return f"{self.network.name} host {self.runtime}"

    @property
    def target(self) -> Target:
        """This computer with that runtime; the budget is not looked at here."""
        return load_target(f"host-{self.runtime}")

    def artefact(self, folder: Path) -> Path:
        """Where in `folder` its artefact lies."""
        return folder / f"{self.network.name}-{self.runtime}"


def build_host(case: HostCase, graph: IntegerGraph, folder: Path) -> Path:
    """Compile; returns the artefact's folder.

    Raises:
        SixfoldError: the runtime refuses the model.
    """
    target = case.target
    with atomic_folder(case.artefact(folder)) as temporary:
        load_backend(target.backend).compile_graph(graph, target, temporary)
    return case.artefact(folder)


def time_host(case: HostCase, inputs: Int8Array, folder: Path) -> RunResult:
    """Run what :func:`build_host` made: outputs, and the median time of the runner's repeats on one thread.

    Raises:
        SixfoldError: the runtime refuses the artefact.
    """
    target = case.target
    return load_runner(target).run_artefact(case.artefact(folder), target, inputs)


def host_row(
    case: HostCase,
    graph: IntegerGraph,
    inputs: Int8Array,
    expected: Int8Array,
    results: Sequence[RunResult],
    fastest_ms: float,
) -> HostRow:
    """The row of a case, its outputs compared.

    Args:
        case: what was measured.
        graph: of the case's network.
        inputs: what was run, int8 ``(samples, height, width, channels)``.
        expected: outputs of the target's reference, int8 ``(samples, classes)``.
        results: one or several of :func:`time_host`.
        fastest_ms: the least :func:`median_ms` of the cases that this one is compared with.

    Raises:
        SixfoldError: the runtime refuses an operator.
    """
    ms = median_ms(results)
    parities = [compare(one.codes, expected, "float") for one in results]
    operators = operator_parity(load_runner(case.target), graph, inputs[:1])
    return HostRow(
        network=case.network.name,
        runtime=case.runtime,
        where=results[0].cost.where,
        ms=ms,
        runs=sum(one.cost.repeats for one in results),
        ratio=ms / fastest_ms,
        mismatched=max(parity.mismatched for parity in parities),
        compared=expected.size,
        max_lsb=max(parity.max_lsb for parity in parities),
        operator_lsb=None if operators is None else max(row.max_lsb for row in operators),
    )


def median_ms(results: Sequence[RunResult]) -> float:
    """Median of the results' medians."""
    return statistics.median(one.cost.value for one in results)


def parity_problem(row: HostRow) -> str | None:
    """What is wrong with the outputs of a row, if anything."""
    if row.operator_lsb is None:
        return f"{row.mismatched} of {row.compared} output codes differ from the reference" if row.mismatched else None
    if row.operator_lsb > OPERATOR_TOLERANCE_LSB:
        return f"an operator alone differs from the reference by {row.operator_lsb} LSB"
    return None

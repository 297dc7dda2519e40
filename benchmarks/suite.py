"""One run of the benchmark: every case once, a failure of one never stopping the others."""

import sys
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import TypeVar

from benchmarks.boards import BOARDS, BoardCase, measure_board
from benchmarks.graphs import BUILD_FOLDER, BUILD_TOOLS, integer_graph, measured_inputs
from benchmarks.host import RUNTIMES, SAMPLES, HostCase, build_host, host_row, median_ms, parity_problem, time_host
from benchmarks.networks import NETWORKS, Network
from benchmarks.results import BoardRow, HostRow, NetworkRow, Results
from pipeline.backends.cortex_m.libraries import MODES
from pipeline.errors import SixfoldError
from pipeline.graph import cost
from pipeline.graph.ir import IntegerGraph
from pipeline.graph.reference import execute
from pipeline.runners import RunResult

T = TypeVar("T")

#: The runtimes take turns this many times, so that a computer that is busy for a while slows all of them.
_HOST_ROUNDS = 3


@dataclass(frozen=True)
class Plan:
    """What to measure: all of `boards` and `host`, each of a network in `networks`."""

    networks: tuple[Network, ...]
    boards: tuple[BoardCase, ...]
    host: tuple[HostCase, ...]

    @property
    def is_complete(self) -> bool:
        """Whether it leaves nothing out."""
        return self == make_plan()


def make_plan(networks: Collection[str] = (), cores: Collection[str] = (), host: bool = True) -> Plan:
    """Choose cases.

    Args:
        networks: names; none means all.
        cores: cores of emulated boards; none means all.
        host: whether to time this computer too.

    Raises:
        SixfoldError: an unknown name; the known ones are listed.
    """
    for kind, known, wanted in (("network", list(NETWORKS), networks), ("core", list(BOARDS), cores)):
        for name in wanted:
            if name not in known:
                raise SixfoldError(f"--{kind} {name}: there is no such {kind}; there are {', '.join(known)}")
    chosen = tuple(network for network in NETWORKS.values() if not networks or network.name in networks)
    boards = [board for board in BOARDS.values() if not cores or board.core in cores]
    return Plan(
        networks=chosen,
        boards=tuple(
            BoardCase(network, board, kernels, mode)
            for network in chosen
            for board in boards
            for kernels, mode in MODES
        ),
        host=tuple(HostCase(network, runtime) for network in chosen for runtime in RUNTIMES) if host else (),
    )


@dataclass
class _Run:
    """What has been measured and what went wrong so far."""

    say: Callable[[str], None]
    networks: list[NetworkRow] = field(default_factory=list)
    boards: list[BoardRow] = field(default_factory=list)
    host: list[HostRow] = field(default_factory=list)
    tools: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def attempt(self, name: str, measure: Callable[[], T]) -> T | None:
        """What `measure` returns; None when it failed, which is noted under the row's `name`."""
        self.say(name)
        try:
            return measure()
        except SixfoldError as error:
            self.problem(f"{name}: {error}")
        except Exception as error:  # a defect in one row must not cost the minutes that the others took
            traceback.print_exc(file=sys.stderr)
            self.problem(f"{name}: {error!r}")
        return None

    def problem(self, text: str) -> None:
        """Note what makes the run fail."""
        self.problems.append(text)
        self.say(f"failed: {text}")


def run(plan: Plan, say: Callable[[str], None]) -> tuple[Results, tuple[str, ...]]:
    """Measure.

    Args:
        plan: what.
        say: told what is being done.

    Returns:
        The rows of all that worked; and what failed, an output that differs where it must not included.
    """
    current = _Run(say)
    for network in plan.networks:
        boards = [case for case in plan.boards if case.network == network]
        host = [case for case in plan.host if case.network == network]
        graph = current.attempt(f"{network.name} build", partial(integer_graph, network))
        if graph is None:
            continue
        current.networks.append(_network_row(network, graph))
        current.tools |= {name: version(name) for name in BUILD_TOOLS}
        if host:
            _run_host(current, network, graph, host)
        if boards:
            _run_boards(current, network, graph, boards)
    results = Results(
        networks=tuple(current.networks), boards=tuple(current.boards), host=tuple(current.host), tools=current.tools
    )
    return results, tuple(current.problems)


def _network_row(network: Network, graph: IntegerGraph) -> NetworkRow:
    return NetworkRow(
        name=network.name,
        width=network.architecture.width,
        input=graph.tensors[graph.input].shape,
        classes=graph.tensors[graph.output].size,
        macs=network.macs,
        parameters=cost.parameters(graph),
        weights=network.weights,
        graph_sha256=graph.sha256(),
    )


def _run_boards(current: _Run, network: Network, graph: IntegerGraph, cases: list[BoardCase]) -> None:
    inputs = measured_inputs(network, graph, network.samples)
    expected = execute(graph, inputs, "fixed-point")
    for case in cases:
        measured = current.attempt(str(case), partial(measure_board, case, graph, inputs, expected, BUILD_FOLDER))
        if measured is None:
            continue
        row, tools = measured
        current.boards.append(row)
        current.tools |= tools
        if row.mismatched:
            current.problem(f"{case}: {row.mismatched} of {expected.size} output codes differ from the reference")


def _run_host(current: _Run, network: Network, graph: IntegerGraph, cases: list[HostCase]) -> None:
    inputs = measured_inputs(network, graph, SAMPLES)
    expected = {case: execute(graph, inputs, case.target.reference) for case in cases}
    built = [case for case in cases if current.attempt(f"{case} build", partial(build_host, case, graph, BUILD_FOLDER))]
    results: dict[HostCase, list[RunResult]] = {case: [] for case in built}
    for turn in range(_HOST_ROUNDS):
        for case in list(results):
            name = f"{case} ({turn + 1}/{_HOST_ROUNDS})"
            result = current.attempt(name, partial(time_host, case, inputs, BUILD_FOLDER))
            if result is None:
                del results[case]
            else:
                results[case].append(result)
    fastest = min(map(median_ms, results.values()), default=0.0)
    for case, several in results.items():
        row = current.attempt(
            f"{case} parity", partial(host_row, case, graph, inputs, expected[case], several, fastest)
        )
        if row is None:
            continue
        current.host.append(row)
        current.tools |= several[0].tools
        if problem := parity_problem(row):
            current.problem(f"{case}: {problem}")

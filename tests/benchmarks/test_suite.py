"""What one run does with rows that work, fail and differ; nothing is compiled or emulated."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import suite
from benchmarks.boards import BOARDS, BoardCase
from benchmarks.host import RUNTIMES
from benchmarks.networks import NETWORKS
from benchmarks.results import BoardRow, HostRow
from benchmarks.suite import make_plan, run
from pipeline.backends.cortex_m.libraries import MODES
from pipeline.errors import SixfoldError
from pipeline.graph.ir import IntegerGraph
from pipeline.models.cost import cost
from pipeline.models.mobilenet_v2 import MobileNetV2
from tests.benchmarks.rows import BOARD, HOST
from tests.graph.graphs import random_graph

SMALL = "mbv2-035-96"
GRAPH = random_graph(0)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=str)
def test_the_stated_multiply_adds_are_those_of_the_architecture(network: Any) -> None:
    architecture, size = network.architecture, network.image_size
    assert cost(MobileNetV2(architecture), architecture.in_channels, size, size).macs == network.macs


def test_samples_are_odd_so_that_the_median_was_counted() -> None:
    assert all(network.samples % 2 for network in NETWORKS.values())


def test_everything_is_measured_by_default() -> None:
    plan = make_plan()
    assert plan.is_complete
    assert len({str(case) for case in plan.boards}) == len(plan.boards) == len(NETWORKS) * len(BOARDS) * len(MODES)
    assert f"{SMALL} cortex-m4 portable frame" in map(str, plan.boards)


def test_a_part_can_be_chosen() -> None:
    plan = make_plan([SMALL], ["cortex-m4"], host=False)
    assert [str(case) for case in plan.boards] == [f"{SMALL} cortex-m4 {kernels} {mode}" for kernels, mode in MODES]
    assert plan.host == ()
    assert not plan.is_complete


@pytest.mark.parametrize(
    ("networks", "cores", "message"),
    [
        (["mbv2"], [], "--network mbv2: there is no such network; there are digits, mbv2-035-96, mbv2-100-224"),
        ([], ["cortex-m4f"], f"--core cortex-m4f: there is no such core; there are {', '.join(BOARDS)}"),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(networks: list[str], cores: list[str], message: str) -> None:
    with pytest.raises(SixfoldError, match=f"^{message}$"):
        make_plan(networks, cores)


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Every row works, unless a test puts another answer under its name."""
    answers: dict[str, Any] = {}

    def answer(name: str, usual: Any) -> Any:
        found = answers.get(name, usual)
        if isinstance(found, Exception):
            raise found
        return found

    def build(network: Any) -> IntegerGraph:
        graph: IntegerGraph = answer(network.name, GRAPH)
        return graph

    def board(case: BoardCase, *_: Any) -> tuple[BoardRow, dict[str, str]]:
        row = BOARD | {"core": case.board.core, "mismatched": answer(str(case), 0)}
        return BoardRow(**row), {"compiler": "1"}

    def timed(case: Any, *_: Any) -> Any:
        return SimpleNamespace(cost=SimpleNamespace(value=answer(str(case), 2.0)), tools={case.runtime: "1"})

    def row(case: Any, _graph: Any, _inputs: Any, _expected: Any, results: list[Any], fastest_ms: float) -> HostRow:
        row = HOST | {"runtime": case.runtime, "ms": 2.0, "ratio": results[0].cost.value / fastest_ms}
        return HostRow(**row | answer(f"{case} parity", {"mismatched": 0, "operator_lsb": None}))

    monkeypatch.setattr(suite, "integer_graph", build)
    monkeypatch.setattr(suite, "measured_inputs", lambda _network, _graph, count: np.zeros((count, 1), np.int8))
    monkeypatch.setattr(suite, "execute", lambda _graph, inputs, _family: inputs)
    monkeypatch.setattr(suite, "measure_board", board)
    monkeypatch.setattr(suite, "build_host", lambda case, *_: answer(f"{case} build", True))
    monkeypatch.setattr(suite, "time_host", timed)
    monkeypatch.setattr(suite, "host_row", row)
    return SimpleNamespace(answers=answers, said=[])


def test_a_run_without_failure(pretended: SimpleNamespace) -> None:
    results, problems = run(make_plan([SMALL]), pretended.said.append)
    assert problems == ()
    assert [row.core for row in results.boards] == [core for core in BOARDS for _ in MODES]
    assert [row.runtime for row in results.host] == list(RUNTIMES)
    assert {"compiler", *RUNTIMES, "torch"} <= set(results.tools)
    assert results.networks[0].graph_sha256 == GRAPH.sha256()


@pytest.mark.parametrize("error", [SixfoldError("too small"), ValueError("a defect")])
def test_a_row_that_fails_is_named_and_left_out(
    error: Exception, pretended: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    pretended.answers[f"{SMALL} cortex-m4 portable frame"] = error
    results, problems = run(make_plan([SMALL]), pretended.said.append)
    assert [row.core for row in results.boards].count("cortex-m4") == len(MODES) - 1
    assert len(results.boards) == len(BOARDS) * len(MODES) - 1
    assert len(problems) == 1 and problems[0].startswith(f"{SMALL} cortex-m4 portable frame: ")
    assert f"failed: {problems[0]}" in pretended.said
    # A defect of ours keeps its traceback; a wrong input has its one line.
    assert ("Traceback" in capsys.readouterr().err) == isinstance(error, ValueError)


def test_a_network_that_cannot_be_built_costs_its_own_rows_only(pretended: SimpleNamespace) -> None:
    pretended.answers[SMALL] = SixfoldError("no weights")
    results, problems = run(make_plan(), pretended.said.append)
    assert problems == (f"{SMALL} build: no weights",)
    others = [name for name in NETWORKS if name != SMALL]
    assert len(results.boards) == len(others) * len(BOARDS) * len(MODES)
    assert [row.name for row in results.networks] == others


def test_a_runtime_that_fails_leaves_the_others_ratio(pretended: SimpleNamespace) -> None:
    pretended.answers[f"{SMALL} host openvino"] = SixfoldError("refused")
    results, problems = run(make_plan([SMALL]), pretended.said.append)
    assert [(row.runtime, row.ratio) for row in results.host] == [
        (name, 1.0) for name in RUNTIMES if name != "openvino"
    ]
    assert problems == (f"{SMALL} host openvino (1/3): refused",)


def test_a_runtime_that_cannot_be_built_is_named_and_left_out(pretended: SimpleNamespace) -> None:
    pretended.answers[f"{SMALL} host tvm build"] = SixfoldError("no compiler")
    results, problems = run(make_plan([SMALL]), pretended.said.append)
    assert [row.runtime for row in results.host] == [name for name in RUNTIMES if name != "tvm"]
    assert problems == (f"{SMALL} host tvm build: no compiler",)


def test_times_are_ratios_to_the_fastest(pretended: SimpleNamespace) -> None:
    pretended.answers[f"{SMALL} host openvino"] = 5.0
    results, _ = run(make_plan([SMALL]), pretended.said.append)
    assert [(row.runtime, row.ratio) for row in results.host] == [
        (name, 2.5 if name == "openvino" else 1.0) for name in RUNTIMES
    ]


@pytest.mark.parametrize(
    ("name", "answer", "problem"),
    [
        (f"{SMALL} cortex-m4 portable frame", 3, "3 of 5 output codes differ from the reference"),
        (f"{SMALL} host onnxruntime parity", {"mismatched": 2, "operator_lsb": None}, "2 of 80 output codes differ"),
        (f"{SMALL} host openvino parity", {"operator_lsb": 2}, "alone differs from the reference by 2 LSB"),
        (f"{SMALL} host openvino parity", {"mismatched": 80, "operator_lsb": 1}, None),
    ],
)
def test_outputs_that_may_not_differ_fail_the_run(
    name: str, answer: Any, problem: str | None, pretended: SimpleNamespace
) -> None:
    pretended.answers[name] = answer
    results, problems = run(make_plan([SMALL]), pretended.said.append)
    assert (len(results.boards), len(results.host)) == (len(BOARDS) * len(MODES), len(RUNTIMES))
    if problem is None:
        assert problems == ()
    else:
        assert len(problems) == 1 and problem in problems[0]

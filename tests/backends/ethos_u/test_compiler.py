"""From the integer graph to an artefact: the search for little SRAM, and Vela itself (slow)."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.backends.ethos_u import ARTEFACT, ESTIMATE, SOURCE, compile_graph, compiler
from pipeline.backends.ethos_u.compiled_file import read_compiled
from pipeline.backends.ethos_u.estimate import Estimate
from pipeline.backends.ethos_u.vela import Compiled, run_vela
from pipeline.backends.litert.writer import write_tflite
from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.graph.ir import Add, IntegerGraph
from pipeline.npu import NpuSpec
from pipeline.targets import load_target
from tests.graph.graphs import small_mobilenet

ROOT = Path(__file__).parents[3]
NPU = NpuSpec(
    accelerator="ethos-u55-128",
    system_config="Ethos_U55_High_End_Embedded",
    memory_mode="Shared_Sram",
    latency_slack_percent=10,
)


class FakeVela:
    """Vela with a given relation of the arena's limit to milliseconds; it takes what it is allowed, up to 1600."""

    def __init__(self, ms: dict[range, float], smallest: float, fastest: float) -> None:
        self.ms, self.smallest, self.fastest = ms, smallest, fastest
        self.limits: list[Any] = []

    def __call__(self, content: bytes, npu: NpuSpec, limit: int | None, smallest: bool = False) -> Compiled:
        self.limits.append("smallest" if smallest else limit)
        taken = 160 if smallest else limit or 1600
        ms = self.smallest if smallest else self.fastest
        if limit is not None:
            ms = next((value for limits, value in self.ms.items() if limit in limits), self.fastest)
        zeros = dict.fromkeys(("cycles", "compute_cycles", "dram_bytes", "flash_bytes", "clock_hz"), 0)
        estimate = Estimate(
            vela="", accelerator="", system_config="", memory_mode="", arena_limit=limit, ms=ms, sram_bytes=taken,
            operators=(), **zeros,
        )  # fmt: skip
        return Compiled(content, estimate)


def test_the_first_limit_within_the_slack_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    # Rugged, as the real relation is: slow, within the slack, slow again, fastest.
    vela = FakeVela({range(300): 1.5, range(300, 500): 1.09, range(500, 900): 1.4}, smallest=2.0, fastest=1.0)
    monkeypatch.setattr(compiler, "run_vela", vela)
    chosen = compiler.compile_file(b"", NPU).estimate
    assert chosen.ms == 1.09 and 300 <= chosen.sram_bytes < 500
    assert vela.limits[:2] == [None, "smallest"] and vela.limits[2:] == sorted(vela.limits[2:])


def test_the_smallest_plan_ends_the_search_if_it_is_fast_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    vela = FakeVela({}, smallest=1.1, fastest=1.0)
    monkeypatch.setattr(compiler, "run_vela", vela)
    assert compiler.compile_file(b"", NPU).estimate.sram_bytes == 160 and len(vela.limits) == 2


def test_where_nothing_is_within_the_slack_the_fastest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "run_vela", FakeVela({range(1600): 1.2}, smallest=2.0, fastest=1.0))
    assert compiler.compile_file(b"", NPU).estimate.ms == 1.0


def test_without_slack_nothing_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    vela = FakeVela({}, smallest=2.0, fastest=1.0)
    monkeypatch.setattr(compiler, "run_vela", vela)
    compiler.compile_file(b"", NPU.model_copy(update={"latency_slack_percent": 0, "arena": 800}))
    assert vela.limits == [800]


def compiled(graph: IntegerGraph, name: str, folder: Path) -> Estimate:
    """Compile for a target of ours; a slack of all makes the search short."""
    folder.mkdir()
    target = load_target(name, ROOT / "targets")
    assert target.npu is not None
    if target.npu.latency_slack_percent:
        target = target.model_copy(update={"npu": target.npu.model_copy(update={"latency_slack_percent": 100})})
    compile_graph(graph, target, folder)
    return Estimate.model_validate(read_json(folder / ESTIMATE))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ethos-u55-128", "ethos-u65-256"])
def test_the_artefact_is_whole_and_the_same_bytes_twice(tmp_path: Path, name: str) -> None:
    graph = small_mobilenet(3)
    estimate = compiled(graph, name, tmp_path / "first")
    assert estimate.npu_share == 1
    assert [op.name for op in estimate.operators] == [op.name for op in graph.operators]
    assert sum(op.cycles for op in estimate.operators) == estimate.cycles > 0
    assert (tmp_path / "first" / SOURCE).read_bytes() == write_tflite(graph)
    arenas = read_compiled((tmp_path / "first" / ARTEFACT).read_bytes()).arena_bytes
    assert arenas[1 if arenas[1] else 0] == estimate.sram_bytes
    compiled(graph, name, tmp_path / "a folder of another name")
    written = [
        {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in (tmp_path / "first", tmp_path / "a folder of another name")
    ]
    assert written[0] == written[1] and set(written[0]) == {ARTEFACT, SOURCE, ESTIMATE}


@pytest.mark.slow
def test_another_clock_than_vela_estimates_for_is_refused(tmp_path: Path) -> None:
    target = load_target("ethos-u55-128", ROOT / "targets")
    fast = NPU.model_copy(update={"latency_slack_percent": 0})
    target = target.model_copy(update={"clock_hz": 400_000_000, "npu": fast})
    with pytest.raises(SixfoldError, match=r"ethos-u55-128\.yaml: clock_hz: is 400000000, .* is for 500000000"):
        compile_graph(small_mobilenet(3), target, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_what_is_left_to_the_cpu_is_named() -> None:
    graph = small_mobilenet(3)
    fast = NPU.model_copy(update={"latency_slack_percent": 0})
    result = run_vela(write_tflite(graph), fast, None, extra=["--ignore-ops", "ADD"])
    additions = {op.output for op in graph.operators if isinstance(op, Add)}
    assert additions and {op.tensor for op in result.estimate.on_cpu} == additions
    assert set(read_compiled(result.content).cpu_tensors) == additions
    assert result.estimate.npu_share == 1 - len(additions) / len(graph.operators)


@pytest.mark.slow
def test_velas_refusal_is_one_line() -> None:
    with pytest.raises(SixfoldError, match=r"ethos-u-vela: ethosu\.vela: failed with exit code 1: ") as caught:
        run_vela(b"no model", NPU, None)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_one_line() -> None:
    for content in (b"", b"TFL3" * 9, write_tflite(small_mobilenet(3))):
        with pytest.raises(SixfoldError, match="the compiled file "):
            read_compiled(content)

"""The small network for real: built from its seed, compiled and emulated."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import graphs
from benchmarks.boards import BOARDS, BoardCase, measure_board
from benchmarks.graphs import integer_graph, measured_inputs
from benchmarks.networks import NETWORKS, float_model
from pipeline.errors import SixfoldError
from pipeline.graph.ir import IntegerGraph
from pipeline.graph.reference import execute
from tests.benchmarks.rows import BOARD

SMALL = NETWORKS["mbv2-035-96"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def graph(folder: Path) -> IntegerGraph:
    return integer_graph(SMALL, folder)


def test_the_row_of_the_m4(graph: IntegerGraph, folder: Path) -> None:
    case = BoardCase(SMALL, BOARDS["cortex-m4"], "cmsis-nn", "frame")
    inputs = measured_inputs(SMALL, graph, 3)
    expected = execute(graph, inputs, "fixed-point")
    (row, tools), (again, _) = (measure_board(case, graph, inputs, expected, folder) for _ in range(2))
    assert row == again
    written = row.model_dump(mode="json")
    assert written.keys() == BOARD.keys()
    assert all(type(written[name]) is type(BOARD[name]) for name in BOARD)
    assert {name: written[name] for name in ("network", "core", "where", "kernels", "input")} == {
        "network": "mbv2-035-96",
        "core": "cortex-m4",
        "where": "qemu-system mps2-an386",
        "kernels": "cmsis-nn",
        "input": "frame",
    }
    assert (row.macs, row.mismatched) == (10_666_928, 0)
    # Two multiply-adds an instruction are the most that the core has; ten instructions each would be a lost kernel.
    assert row.macs / 2 < row.instructions < 10 * row.macs
    assert row.code_bytes < row.flash_bytes
    assert {"qemu-system-arm", "arm-none-eabi-gcc", "cmsis-nn"} <= set(tools)
    # Outputs of the wrong images do differ: the comparison is no formality.
    shifted, _ = measure_board(case, graph, inputs, np.roll(expected, 1, axis=0), folder)
    assert shifted.mismatched > 0


def test_a_second_build_reads_the_first(graph: IntegerGraph, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(graphs, "float_model", never)
    assert integer_graph(SMALL, folder).sha256() == graph.sha256()
    with pytest.raises(AssertionError, match="built again"):
        integer_graph(replace(SMALL, image_size=64), folder)


def test_another_number_of_multiply_adds_is_refused(
    graph: IntegerGraph, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = graphs._fingerprint(SMALL)
    monkeypatch.setattr(graphs, "_fingerprint", lambda _network: known)
    with pytest.raises(SixfoldError, match="mbv2-035-96: has 10666928 multiply-adds, the benchmark network has 1$"):
        integer_graph(replace(SMALL, macs=1), folder)


def test_the_weights_come_from_the_seed_alone() -> None:
    state = torch.random.get_rng_state()
    first = float_model(SMALL).state_dict()
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(1)
    second = float_model(SMALL).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert first["features.0.1.running_mean"].dtype == torch.float32


def test_real_images_tell_apart_in_the_outputs(graph: IntegerGraph) -> None:
    codes = execute(graph, measured_inputs(SMALL, graph, 3), "fixed-point")
    assert len({tuple(row) for row in codes.tolist()}) == 3
    assert codes.std() > 10

"""The Cortex-M backend: sources, ELF, sizes, and one clear line when something is wrong."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.backends import load_backend
from pipeline.backends.cortex_m import compile_graph, toolchain
from pipeline.backends.cortex_m.accumulators import check_accumulators, fold_zero_point
from pipeline.backends.cortex_m.c_source import c_string
from pipeline.backends.cortex_m.compiler import generate_sources
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Conv2D, IntegerGraph
from pipeline.memories import MemoryRegion
from pipeline.targets import Target, load_target
from tests.graph.graphs import random_graph, small_mobilenet

TARGET = load_target("mps2-an386").model_copy(update={"kernels": "portable"})


def with_memory(flash: int, sram: int) -> Target:
    assert TARGET.memory is not None
    memory = TARGET.memory.model_copy(
        update={
            "flash": MemoryRegion(origin=TARGET.memory.flash.origin, size=flash),
            "sram": MemoryRegion(origin=TARGET.memory.sram.origin, size=sram),
        }
    )
    return TARGET.model_copy(update={"memory": memory})


def with_first_operator(graph: IntegerGraph, operator: Conv2D) -> IntegerGraph:
    return replace(graph, operators=(operator, *graph.operators[1:]))


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artefact")
    load_backend("cortex-m").compile_graph(small_mobilenet(1), TARGET, folder)
    return folder


def test_the_sources_are_ascii_and_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        generate_sources(random_graph(4), tmp_path / name)
    for name in ("model.c", "model.h"):
        one = (tmp_path / "one" / name).read_bytes()
        assert one == (tmp_path / "two" / name).read_bytes()
        assert one.isascii()


def test_c_strings_survive_every_character() -> None:
    assert c_string('a"b\\c?\n\u00e9') == '"a\\042b\\134c\\077\\012\\303\\251"'


def test_the_zero_point_is_folded_only_without_padding() -> None:
    graph = small_mobilenet(1)
    stem, pointwise = graph.operators[0], graph.operators[2]
    assert isinstance(stem, Conv2D)
    assert isinstance(pointwise, Conv2D)
    bias, zero_point = fold_zero_point(graph, stem)
    assert zero_point == graph.tensors[stem.input].zero_point
    np.testing.assert_array_equal(bias, stem.bias)
    bias, zero_point = fold_zero_point(graph, pointwise)
    assert zero_point == 0
    weights = pointwise.weight.astype(int).reshape(len(bias), -1)
    np.testing.assert_array_equal(bias, pointwise.bias + 128 * weights.sum(1))


def test_an_accumulator_that_can_leave_int32_is_refused(tmp_path: Path) -> None:
    graph = small_mobilenet(1)
    stem = graph.operators[0]
    assert isinstance(stem, Conv2D)
    large = replace(stem, bias=np.full_like(stem.bias, 2**31 - 1000))
    with pytest.raises(SixfoldError, match=f"layer {stem.name}: an accumulator can leave int32"):
        generate_sources(with_first_operator(graph, large), tmp_path)
    coarse = replace(stem, weight_scale=np.full_like(stem.weight_scale, 2.0**22))
    with pytest.raises(SixfoldError, match="its weight scales are far"):
        check_accumulators(with_first_operator(graph, coarse), coarse)


def test_a_machine_without_a_board_folder_is_refused(tmp_path: Path) -> None:
    target = TARGET.model_copy(update={"runner": TARGET.runner.model_copy(update={"machine": "microbit"})})
    with pytest.raises(SixfoldError, match=r"mps2-an386\.yaml: runner\.machine: microbit has no folder in firmware"):
        compile_graph(small_mobilenet(1), target, tmp_path)


@pytest.mark.parametrize("tool", ["cmake", "ninja", "arm-none-eabi-gcc"])
def test_a_missing_tool_is_one_line(tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    which = toolchain.shutil.which
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: None if name == tool else which(name))
    with pytest.raises(SixfoldError, match=f"^{tool}: not found; run `make setup`, which installs it$"):
        compile_graph(small_mobilenet(1), TARGET, tmp_path)


def test_an_unknown_core_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SixfoldError, match=r"core cortex-m99: not in firmware/cores\.json; there are cortex-m3"):
        compile_graph(small_mobilenet(1), TARGET.model_copy(update={"core": "cortex-m99"}), tmp_path)


@pytest.mark.slow
def test_the_artefact_is_complete(artefact: Path) -> None:
    assert sorted(path.name for path in artefact.iterdir()) == [
        *("firmware.elf", "memory.json", "memory_map.svg", "model.c", "model.h", "model.json", "model.ld", "serial.elf")
    ]
    memory = json.loads((artefact / "memory.json").read_text())
    graph = small_mobilenet(1)
    assert memory["arena_bytes"] <= memory["ram_bytes"] < memory["arena_bytes"] + 256
    weights = sum(getattr(operator, "weight", np.empty(0)).size for operator in graph.operators)
    assert weights < memory["flash_bytes"] - memory["code_bytes"]
    assert {buffer["name"] for buffer in memory["plan"]} >= set(graph.tensors)
    ram, flash = memory["largest"]["ram"], memory["largest"]["flash"]
    # The stack is reserved; of the rest the arena is nearly all.
    assert sorted(row["name"] for row in ram[:2]) == ["arena", "stack (reserved)"]
    assert next(row["bytes"] for row in ram if row["name"] == "arena") == memory["arena_bytes"]
    assert {"weights_9", "sixfold_conv2d"} <= {row["name"] for row in flash}
    assert flash == sorted(flash, key=lambda row: (-row["bytes"], row["name"]))


@pytest.mark.slow
def test_rebuilding_elsewhere_gives_identical_bytes(
    artefact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFLAGS", "-O0 -g")
    other = tmp_path / "another place"
    other.mkdir()
    compile_graph(small_mobilenet(1), TARGET, other)
    for path in artefact.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes(), path.name
    assert b"/tmp" not in (other / "firmware.elf").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("core", json.loads((toolchain.FIRMWARE / "cores.json").read_text()))
def test_every_core_compiles(core: str, tmp_path: Path) -> None:
    compile_graph(small_mobilenet(1), TARGET.model_copy(update={"core": core}), tmp_path)
    assert (tmp_path / "firmware.elf").stat().st_size > 0


@pytest.mark.slow
def test_too_little_sram_says_by_how_much_and_where(artefact: Path, tmp_path: Path) -> None:
    memory = json.loads((artefact / "memory.json").read_text())
    with pytest.raises(SixfoldError) as caught:
        compile_graph(small_mobilenet(1), with_memory(2**20, 6144), tmp_path)
    peak = memory["peak"]
    match = re.search(
        r"^the model does not fit target mps2-an386: sram \(6144 bytes\) is (\d+) bytes too small: the arena takes "
        rf"{memory['arena_bytes']}, its peak is layer {peak['layer']} with {peak['live_bytes']} live bytes",
        str(caught.value),
    )
    assert match is not None
    # The stack takes 4096 bytes of it; with as much more as it says the model does fit.
    missing = int(match[1])
    assert missing >= memory["ram_bytes"] + 4096 - 6144
    compile_graph(small_mobilenet(1), with_memory(2**20, 6144 + missing), tmp_path)


@pytest.mark.slow
def test_too_little_flash_names_the_largest_layer(tmp_path: Path) -> None:
    with pytest.raises(
        SixfoldError, match=r"flash \(8192 bytes\) is \d+ bytes too small: .* largest layer is conv9 wi"
    ):
        compile_graph(small_mobilenet(1), with_memory(8192, 2**20), tmp_path)


@pytest.mark.slow
def test_a_stand_in_machine_lends_its_addresses_and_keeps_the_boards_sizes(tmp_path: Path) -> None:
    runner = TARGET.runner.model_copy(update={"stands_for": "a board of the same core"})
    board = with_memory(64 * 1024, 32 * 1024)
    assert board.memory is not None
    elsewhere = board.memory.model_copy(update={"flash": MemoryRegion(origin=0x08000000, size=64 * 1024)})
    compile_graph(small_mobilenet(1), board.model_copy(update={"runner": runner, "memory": elsewhere}), tmp_path)
    assert "FLASH (rx) : ORIGIN = 0x00000000, LENGTH = 65536" in (tmp_path / "model.ld").read_text()

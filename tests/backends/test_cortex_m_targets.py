"""Every Cortex-M target of ours, found in targets/, and one that somebody adds: links, runs, agrees, repeats."""

import json
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from pipeline.backends.cortex_m import compile_graph
from pipeline.backends.cortex_m.machines import MACHINES, board_placement, placement
from pipeline.errors import SixfoldError
from pipeline.files import sha256_file
from pipeline.graph.qdq import int8_qdq
from pipeline.graph.reference import execute
from pipeline.memories import MemoryRegion
from pipeline.runners.qemu_system import run_artefact
from pipeline.runners.serial_link import open_link
from pipeline.runners.serial_port import infer, read_codes
from pipeline.stages.compile import compile_target
from pipeline.targets import Target, load_target, target_names
from tests.emulation import emulated, patched
from tests.graph.graphs import random_inputs, small_mobilenet
from tests.imports import ROOT

TARGETS = [
    target
    for target in (load_target(name, ROOT / "targets") for name in target_names(ROOT / "targets"))
    if target.backend == "cortex-m"
]
GRAPH = small_mobilenet(1)


def test_every_machine_is_used_by_a_target() -> None:
    assert {target.runner.machine for target in TARGETS} == set(MACHINES)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Target], Path]:
    """The artefact of a target, made when first asked for."""

    @cache
    def artefact(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        # What is tested here is the board, not the kernels: portable ones compile fastest.
        target = load_target(name, ROOT / "targets").model_copy(update={"kernels": "portable"})
        compile_graph(GRAPH, target, folder)
        return folder

    return lambda target: artefact(target.name)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_target_links_runs_and_repeats(target: Target, build: Callable[[Target], Path]) -> None:
    inputs = random_inputs(GRAPH, 3, 1)
    first, second = (run_artefact(build(target), target, inputs) for _ in range(2))
    np.testing.assert_array_equal(first.outputs, execute(GRAPH, inputs, "fixed-point"))
    assert (first.latency, first.footprint) == (second.latency, second.footprint)
    assert sum(layer.value for layer in first.latency.layers) == pytest.approx(first.latency.value, rel=0.002)


#: Machine code that replaces the beginning of an inference, and what the board must say of it.
FAULTS = {
    "undefined instruction": (b"\x00\xde", r"exception 00000003 pc {address:08x} lr [0-9a-f]{{8}} sp .* cfsr 0001"),
    # push {r0-r7, lr}; back to it
    "stack overflow": (b"\xff\xb5\xfd\xe7", r"exception 00000003 stack overflow, sp "),
}


EMULATED = [target for target in TARGETS if not target.runner.stands_for]


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("target", EMULATED, ids=lambda target: target.name)
def test_a_fault_is_reported_with_registers(
    target: Target, fault: str, build: Callable[[Target], Path], tmp_path: Path
) -> None:
    artefact = Path(shutil.copytree(build(target), tmp_path / "artefact"))
    elf, model = artefact / "firmware.elf", artefact / "model.json"
    code, expected = FAULTS[fault]
    patched(elf, "sixfold_invoke", code, elf)
    model.write_text(json.dumps(json.loads(model.read_text()) | {"elf_sha256": sha256_file(elf)}))
    with elf.open("rb") as stream:
        (symbol,) = ELFFile(stream).get_section_by_name(".symtab").get_symbol_by_name("sixfold_invoke")
    with pytest.raises(SixfoldError, match=expected.format(address=symbol["st_value"] & ~1)):
        run_artefact(artefact, target, random_inputs(GRAPH, 1, 0))


@pytest.mark.slow
@pytest.mark.parametrize("target", EMULATED, ids=lambda target: target.name)
def test_a_board_answers_over_its_serial_port(target: Target, build: Callable[[Target], Path]) -> None:
    inputs = random_inputs(GRAPH, 1, 3)
    with emulated(str(target.runner.machine), build(target) / "serial.elf") as board, open_link(board.port) as link:
        link.greet()
        infer(link, inputs[0])
        codes = read_codes(link, GRAPH.tensors[GRAPH.output].size)
    np.testing.assert_array_equal([codes], execute(GRAPH, inputs, "fixed-point"))


STAND_INS = [target for target in TARGETS if target.runner.stands_for]
H743 = next(target for target in STAND_INS if target.name == "nucleo-h743zi2")


def segments(elf: Path) -> list[tuple[int, int]]:
    """Begin and end of everything that is loaded or reserved."""
    with elf.open("rb") as stream:
        parts = [part for part in ELFFile(stream).iter_segments() if part["p_type"] == "PT_LOAD" and part["p_memsz"]]
        return [(part["p_vaddr"], part["p_vaddr"] + part["p_memsz"]) for part in parts]


def test_six_real_boards_are_verified_on_a_machine_of_their_core() -> None:
    cores = {target.runner.machine: target.core for target in TARGETS if not target.runner.stands_for}
    assert len(STAND_INS) == 6
    for target in STAND_INS:
        assert cores[target.runner.machine] == target.core
        assert target.board is not None


@pytest.mark.parametrize("target", STAND_INS, ids=lambda target: target.name)
def test_the_machine_lends_addresses_and_keeps_the_boards_sizes(target: Target) -> None:
    real = board_placement(target)
    assert real is not None and target.memory is not None
    stand_in, machine = placement(target).memory, MACHINES[target.runner.machine or ""]
    assert real.memory == target.memory
    assert stand_in.place == target.memory.place
    assert {name: region.size for name, region in stand_in.regions.items()} == {
        name: region.size for name, region in target.memory.regions.items()
    }
    for name, region in stand_in.regions.items():
        whole = machine.flash if name == "flash" else machine.sram
        assert whole.origin <= region.origin and region.end <= whole.end
    # Nothing below the stack, so that an overflow faults.
    assert stand_in.regions[stand_in.place.stack].origin == machine.sram.origin


def test_a_board_with_more_than_its_stand_in_is_one_line() -> None:
    assert H743.memory is not None
    large = H743.memory.model_copy(update={"sram": MemoryRegion(origin=0x24000000, size=5 * 2**20)})
    with pytest.raises(SixfoldError, match=r"h743zi2\.yaml: memory\.sram: .* has only 4194304 bytes for it$"):
        placement(H743.model_copy(update={"memory": large}))


def test_a_machine_of_another_family_must_be_said_to_stand_in() -> None:
    runner = H743.runner.model_copy(update={"stands_for": None})
    with pytest.raises(SixfoldError, match=r"board\.family: is stm32h7, mps2-an500 is mps2; runner\.stands_for says"):
        placement(H743.model_copy(update={"runner": runner}))


@pytest.mark.slow
def test_the_target_of_the_documentation_builds_and_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs/add-a-target.md").read_text()
    example = re.search(r"```yaml\n(name: my-board\n.*?)```", text, re.DOTALL)
    assert example is not None
    shutil.copytree(ROOT / "targets", tmp_path / "targets")
    smaller = example[1].replace("size: 1MiB", "size: 96KiB").replace("size: 128KiB", "size: 48KiB")
    (tmp_path / "targets/my-board.yaml").write_text(smaller.replace("cmsis-nn ", "portable "))
    (tmp_path / "models").mkdir()
    (tmp_path / "models/model.int8.onnx").write_bytes(int8_qdq(GRAPH).SerializeToString())
    monkeypatch.chdir(tmp_path)

    compile_target("my-board")
    artefact, inputs = tmp_path / "artifacts/my-board", random_inputs(GRAPH, 3, 2)
    result = run_artefact(artefact, load_target("my-board"), inputs)
    np.testing.assert_array_equal(result.outputs, execute(GRAPH, inputs, "fixed-point"))

    flash, sram = (0x08000000, 0x08000000 + 96 * 1024), (0x20000000, 0x20000000 + 48 * 1024)
    for begin, end in segments(artefact / "serial.elf"):
        assert any(low <= begin and end <= high for low, high in (flash, sram)), (hex(begin), hex(end))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "clock_hz", "message"),
    [
        ("nucleo-f446re", 181_000_000, "clock_hz: whole MHz, from 50 MHz to the highest of the family"),
        ("nucleo-h743zi2", 404_000_000, "clock_hz: a multiple of 8 MHz, 96 to 400 MHz"),
        ("raspberry-pi-pico-2", 151_200_000, "clock_hz: a multiple of 1.2 MHz, 75 to 150 MHz"),
    ],
)
def test_a_clock_that_the_part_cannot_have_is_one_line(name: str, clock_hz: int, message: str, tmp_path: Path) -> None:
    target = load_target(name, ROOT / "targets").model_copy(update={"clock_hz": clock_hz, "kernels": "portable"})
    with pytest.raises(SixfoldError, match=re.escape(message)) as caught:
        compile_graph(GRAPH, target, tmp_path)
    assert "\n" not in str(caught.value)

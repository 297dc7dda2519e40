import itertools
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.errors import SixfoldError
from pipeline.memories import Memory
from pipeline.sizes import parse_bytes
from pipeline.targets import load_target, target_names

ROOT = Path(__file__).resolve().parent.parent
BOARD = (ROOT / "targets" / "mps2-an386.yaml").read_text()
UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2}


@pytest.mark.parametrize("name", target_names(ROOT / "targets"))
def test_every_target_of_ours_loads(name: str) -> None:
    assert load_target(name, ROOT / "targets").name == name


@given(st.integers(0, 999_999_999), st.sampled_from(sorted(UNITS)), st.sampled_from(["", " ", "  "]))
def test_a_size_is_its_number_times_its_unit(number: int, unit: str, space: str) -> None:
    assert parse_bytes(f"{number}{space}{unit}") == number * UNITS[unit]
    assert parse_bytes(number) == number


@given(st.text() | st.floats() | st.booleans() | st.none() | st.integers(max_value=-1))
def test_anything_else_is_no_size(value: object) -> None:
    if isinstance(value, str) and value.strip().endswith("B"):
        return
    with pytest.raises(ValueError, match="is not a size"):
        parse_bytes(value)


@pytest.mark.parametrize("text", ["128KB", "1 MB", "-1KiB", "1.5MiB", "0x10B", "1KiB ", "KiB", "1 k"])
def test_ambiguous_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write for example 96KiB"):
        parse_bytes(text)


regions = st.tuples(st.integers(0, 2**20), st.integers(1, 2**19))


@given(regions, regions, regions)
def test_memories_overlap_exactly_when_an_address_is_in_two(
    flash: tuple[int, int], sram: tuple[int, int], ccm: tuple[int, int]
) -> None:
    named = {"flash": flash, "sram": sram, "ccm": ccm}
    shared = any(
        max(one[0], other[0]) < min(sum(one), sum(other)) for one, other in itertools.combinations(named.values(), 2)
    )
    value = {name: {"origin": origin, "size": size} for name, (origin, size) in named.items()}
    if shared:
        with pytest.raises(ValidationError, match="overlap"):
            Memory.model_validate(value)
    else:
        assert Memory.model_validate(value).flash.end == sum(flash)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("core:", "colour: green\ncore:", "colour: unknown key; known here: backend, board, budget, clock_hz, core"),
        ("core:", "kern:", "(and 1 more)"),
        ("core:", "input: rows\ncore:", "input: rows needs kernels: streaming"),
        ("core:", "kernels: cmsis-nn\noptimize: speed\ncore:", "optimize: speed needs kernels: streaming"),
        ("core:", "kernels: streaming\ninput: columns\ncore:", "input: "),
        ("size: 4MiB}\n  sram", "size: 4MB}\n  sram", "memory.flash.size: '4MB' is not a size"),
        ("origin: 0x20000000", "origin: 0x00300000", "memory: flash (0x0..0x400000) and sram"),
        ("backend: cortex-m", "backend: cortex-a", "backend: "),
        ("clock_hz: 25_000_000", "clock_hz: -1", "clock_hz: "),
        ("clock_hz: 25_000_000", "clock_hz: .inf", "clock_hz: "),
        ("kind: gdb}", "kind: jtag}", "flash.kind: "),
        ("kind: gdb}", "kind: gdb, chip: nrf52}", "flash: kind gdb takes no chip"),
        ("kind: gdb}", "kind: gdb, server: localhost}", "flash.server: "),
        ("kind: gdb}", "kind: gdb, reset: 'halt; shell rm'}", "flash.reset: "),
        ("kind: gdb}", "kind: pyocd}", "flash: kind pyocd needs chip"),
        ("kind: gdb}", "kind: openocd, config: []}", "flash.config: "),
        ("kind: gdb}", "kind: openocd, config: ['-c shutdown']}", "flash.config.0: "),
        ("kind: gdb}", "kind: uf2, family: rp2040}", "flash.family: "),
        ("sram: {", "ccm: {origin: 0x1, sise: 1KiB}\n  sram: {", "memory.ccm.sise: unknown key; known here: origin"),
        ("sram: {", "tcm: 64KiB\n  sram: {", "memory.tcm: is no region; write one as {origin: "),
        ("sram: {", "TCM: {origin: 0x10000000, size: 1KiB}\n  sram: {", "memory: 'TCM' is no name for a region"),
        ("sram: {", "place: {arena: ccm}\n  sram: {", "memory: place.arena: there is no region ccm; there are flash"),
        (", machine: mps2-an386", "", "runner: machine is needed for kinds qemu-system and qemu-user"),
        ("accuracy_drop_points: 0.5", "accuracy_drop: 0.5", "budget.accuracy_drop"),
        ("name: mps2-an386", "name: other", "name: is 'other', the file is called 'board'"),
        ("summary:", "\tsummary:", ": not valid YAML"),
        ("sram: {", "sram: [", ": not valid YAML"),
        ("budget:", "tflite: {input: uint8}\nbudget:", "tflite is only for backend litert and litert-aarch64 and tflm"),
        ("budget:", "openvino: {device: GPU}\nbudget:", "openvino is only for backend openvino"),
        ("backend: cortex-m", "backend: tvm", "instruction_sets is missing; backend tvm needs it"),
    ],
)
def test_each_mistake_is_one_line_with_file_and_field(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = BOARD if "name: other" in new else BOARD.replace("name: mps2-an386", "name: board")
    assert old in text
    (tmp_path / "board.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(SixfoldError) as caught:
        load_target("board", tmp_path)
    line = str(caught.value)
    assert line.startswith(str(tmp_path / "board.yaml")) and message in line and "\n" not in line


def test_a_microcontroller_needs_memories(tmp_path: Path) -> None:
    board = {**yaml.safe_load(BOARD), "name": "board"}
    del board["memory"]
    (tmp_path / "board.yaml").write_text(yaml.safe_dump(board))
    with pytest.raises(SixfoldError, match=r"memory is missing; backend cortex-m needs memory\.flash"):
        load_target("board", tmp_path)


def test_a_misspelt_target_is_guessed(tmp_path: Path) -> None:
    for name in ("netduino-plus-2", "nucleo-f446re", "mps2-an385", "mps2-an386"):
        (tmp_path / f"{name}.yaml").touch()
    with pytest.raises(SixfoldError, match=r"no such target; did you mean netduino-plus-2\?$"):
        load_target("netduno-plus2", tmp_path)
    with pytest.raises(SixfoldError, match=r"did you mean mps2-an386 or mps2-an385\?$"):
        load_target("mps-an386", tmp_path)


def test_an_unknown_target_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SixfoldError, match="no such target; there are none"):
        load_target("board", tmp_path)
    (tmp_path / "other.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SixfoldError, match="no such target; there are other"):
        load_target("board", tmp_path)
    with pytest.raises(SixfoldError, match="cannot be read"):
        load_target("other", tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{input: int4}", "tflite.input: "),
        ("{padding: none}", "tflite.padding: "),
        ("{pad: kernel}", "tflite.pad: unknown key"),
    ],
)
def test_a_mistake_in_how_a_tflite_file_is_written_is_one_line(tmp_path: Path, options: str, message: str) -> None:
    text = (ROOT / "targets" / "host-litert.yaml").read_text().replace("name: host-litert", "name: host")
    (tmp_path / "host.yaml").write_text(f"{text}tflite: {options}\n")
    with pytest.raises(SixfoldError) as caught:
        load_target("host", tmp_path)
    assert message in str(caught.value) and "\n" not in str(caught.value)

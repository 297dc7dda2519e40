"""The runner for a serial port against the serial application itself, built for this computer."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline.backends.cortex_m.compiler import generate_sources
from pipeline.backends.cortex_m.machines import board_placement, placement
from pipeline.backends.cortex_m.toolchain import Kernels, build_host
from pipeline.errors import SixfoldError
from pipeline.files import sha256_file
from pipeline.graph.cost import macs
from pipeline.graph.reference import execute
from pipeline.runners import RunResult, load_runner
from pipeline.targets import RunnerSpec, Target, load_target
from tests.graph.graphs import random_inputs, small_mobilenet
from tests.runners.boards import answers, on_this_computer, scripted

GRAPH = small_mobilenet(1)
INPUTS = random_inputs(GRAPH, 6, 4)
CLASSES = GRAPH.tensors[GRAPH.output].size


def at(port: str) -> Target:
    return load_target("mps2-an386").model_copy(update={"runner": RunnerSpec(kind="serial", port=port)})


def describe(folder: Path, **changes: object) -> Path:
    """The descriptions of an artefact whose firmware runs elsewhere."""
    (folder / "serial.elf").write_bytes(b"on the board")
    model = {
        "sha256": GRAPH.sha256(),
        "serial_sha256": sha256_file(folder / "serial.elf"),
        "input": list(GRAPH.tensors[GRAPH.input].shape),
        "classes": CLASSES,
        "layers": [{"name": name, "macs": count} for name, count in macs(GRAPH).items()],
        "tools": {},
        **changes,
    }
    (folder / "model.json").write_text(json.dumps(model))
    (folder / "memory.json").write_text(json.dumps({"flash_bytes": 1000, "ram_bytes": 200}))
    return folder


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model, build = tmp_path_factory.mktemp("model"), tmp_path_factory.mktemp("build")
    generate_sources(GRAPH, model)
    return build_host(model, build, Kernels(), sanitize=True).with_name("host_serial")


def test_outputs_equal_the_reference_and_the_result_describes_itself(program: Path, tmp_path: Path) -> None:
    with on_this_computer(program) as port:
        result = load_runner(at(port)).run_artefact(describe(tmp_path), at(port), INPUTS)
    np.testing.assert_array_equal(result.outputs, execute(GRAPH, INPUTS, "fixed-point"))
    latency = result.latency
    assert (latency.kind, latency.unit, latency.where) == ("estimated", "ms", f"mps2-an386 at {port}")
    assert latency.repeats == len(INPUTS) and latency.value > 0
    assert [(layer.name, layer.macs) for layer in latency.layers] == list(macs(GRAPH).items())
    assert all(layer.value > 0 for layer in latency.layers)
    assert (result.footprint.flash_bytes, result.footprint.ram_bytes) == (1000, 200)
    assert result.tools["firmware"] == "0.1.0"


def test_a_board_with_another_model_is_refused(program: Path, tmp_path: Path) -> None:
    artefact = describe(tmp_path, sha256="0" * 64)
    with (
        on_this_computer(program) as port,
        pytest.raises(SixfoldError, match="the board has model .*, the artefact is 00"),
    ):
        load_runner(at(port)).run_artefact(artefact, at(port), INPUTS)


def test_a_board_with_a_damaged_model_is_refused(program: Path, tmp_path: Path) -> None:
    weights = GRAPH.operators[0].weight.tobytes()  # type: ignore[union-attr]
    damaged = Path(shutil.copy(program, tmp_path / "damaged"))
    data = bytearray(damaged.read_bytes())
    data[data.index(weights)] ^= 0x10
    damaged.write_bytes(data)
    with (
        on_this_computer(damaged) as port,
        pytest.raises(
            SixfoldError, match="the model in the board's memory is damaged; `sixfold flash` writes it again"
        ),
    ):
        load_runner(at(port)).run_artefact(describe(tmp_path), at(port), INPUTS)


def test_an_artefact_that_is_not_the_built_one_is_refused(tmp_path: Path) -> None:
    describe(tmp_path, serial_sha256="0" * 64)
    with pytest.raises(
        SixfoldError, match=r"serial\.elf: missing, or not the file that model\.json describes; build it"
    ):
        load_runner(at("socket://127.0.0.1:1")).run_artefact(tmp_path, at("socket://127.0.0.1:1"), INPUTS)


def test_a_target_can_have_its_board_as_runner() -> None:
    target = load_target("nucleo-f446re")
    attached = target.model_copy(update={"runner": RunnerSpec(kind="serial", port="/dev/ttyACM0")})
    assert placement(attached) == board_placement(target)
    assert board_placement(attached) is None
    with pytest.raises(
        SixfoldError, match=r"targets/mps2-an386\.yaml: board: missing; a target that runs on a board at"
    ):
        placement(at("/dev/ttyACM0"))


HASH = f"m-hash-[{GRAPH.sha256()}]\r\nm-constants-[100 01234567 intact]\r\nm-ready\r\n"
GOOD = {
    "hash": HASH,
    "db": "m-load-done\r\nm-ready\r\n",
    "infer": "m-lap-us-10\r\nm-lap-us-2010\r\nm-ready\r\n",
    "codes": f"m-codes-[{'7f' * CLASSES}]\r\nm-ready\r\n",
    "layers": "m-ticks-hz-1000\r\n"
    + "".join(f"m-layer-[{i} 1 x]\r\n" for i in range(len(GRAPH.operators)))
    + "m-ready\r\n",
    "memory": "m-memory-[stack 300 of 4096, static 1, free 2, flash 3]\r\nm-ready\r\n",
    "version": "m-version-[9.9]\r\nm-ready\r\n",
}


def run_on(folder: Path, **changed: str) -> RunResult:
    with scripted(answers(**(GOOD | changed))) as port:
        return load_runner(at(port)).run_artefact(describe(folder), at(port), INPUTS)


def test_times_are_the_boards_own(tmp_path: Path) -> None:
    result = run_on(tmp_path)
    assert (result.latency.value, result.footprint.stack_bytes) == (2.0, 300)
    assert [layer.value for layer in result.latency.layers] == [1.0] * len(GRAPH.operators)


@pytest.mark.parametrize(
    ("command", "answer", "message"),
    [
        ("db", "m-ready\r\n", "the board took 256 bytes of input for less than a sample"),
        ("infer", "m-infer-done\r\nm-ready\r\n", "has no two rising timestamps"),
        ("infer", "m-lap-us-9\r\nm-lap-us-8\r\nm-ready\r\n", "has no two rising timestamps"),
        ("codes", "m-codes-[7f]\r\nm-ready\r\n", "the board's answer to `codes` is not one"),
        ("codes", "m-ready\r\n", "the board's answer to `codes` is not one"),
        ("layers", "m-ticks-hz-0\r\nm-ready\r\n", "the board timed 0 layers, the artefact has 13"),
        ("memory", "m-memory-[]\r\nm-ready\r\n", "the board's answer to `memory` is not one"),
        ("infer", "e-[interrupted]\r\nm-ready\r\n", "the board refused `infer`: interrupted"),
    ],
)
def test_answers_that_do_not_make_sense_are_one_line(command: str, answer: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SixfoldError, match=message):
        run_on(tmp_path, **{command: answer})

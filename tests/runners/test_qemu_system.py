"""The emulator: exact outputs, the same count every time, and one clear line for every way to fail."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.backends.cortex_m import compile_graph
from pipeline.errors import SixfoldError
from pipeline.files import sha256_file
from pipeline.graph.cost import macs
from pipeline.graph.reference import execute
from pipeline.runners import load_runner, qemu_system
from pipeline.runners.qemu_system import run_artefact
from pipeline.targets import load_target
from tests.graph.graphs import random_graph, random_inputs, small_mobilenet

TARGET = load_target("mps2-an386").model_copy(update={"kernels": "portable"})
GRAPH = small_mobilenet(1)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    compile_graph(GRAPH, TARGET, folder)
    return folder


@pytest.fixture
def artefact(built: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(built, tmp_path / "artefact"))


def describe(artefact: Path, **changes: object) -> None:
    path = artefact / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def fake_artefact(folder: Path) -> Path:
    """Descriptions of the graph beside a file that is no firmware, to fail without a compiler."""
    (folder / "firmware.elf").write_bytes(b"not an ELF file")
    model = {
        "sha256": GRAPH.sha256(),
        "elf_sha256": sha256_file(folder / "firmware.elf"),
        "input": list(GRAPH.tensors[GRAPH.input].shape),
        "classes": GRAPH.tensors[GRAPH.output].size,
        "layers": [{"name": name, "macs": count} for name, count in macs(GRAPH).items()],
        "tools": {},
    }
    (folder / "model.json").write_text(json.dumps(model))
    (folder / "memory.json").write_text(json.dumps({"flash_bytes": 1, "ram_bytes": 1}))
    return folder


def pretend_qemu(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a shell script in the emulator's place."""
    program = folder / qemu_system.QEMU
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "QEMU emulator version 0.0" && exit\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@given(st.sampled_from([20_000_000, 25_000_000, 32_000_000, 125_000_000]), st.integers(0, 2**36), st.integers(0, 2**33))
def test_instructions_are_exact_whatever_the_timers_phase(timer_hz: int, begin: int, count: int) -> None:
    ticks = [64 * at * timer_hz // 10**9 for at in (begin, begin + count)]
    assert qemu_system._instructions(np.array([ticks], np.uint64), timer_hz).tolist() == [count]


@pytest.mark.slow
def test_outputs_equal_the_reference_and_counts_repeat(built: Path) -> None:
    inputs = random_inputs(GRAPH, 10, 2)
    first, second = (load_runner(TARGET).run_artefact(built, TARGET, inputs) for _ in range(2))
    np.testing.assert_array_equal(first.outputs, execute(GRAPH, inputs, "fixed-point"))
    np.testing.assert_array_equal(first.outputs, second.outputs)
    assert first.latency == second.latency
    assert first.footprint == second.footprint
    assert first.details == second.details


@pytest.mark.slow
def test_the_result_describes_itself(built: Path) -> None:
    result = run_artefact(built, TARGET, random_inputs(GRAPH, 3, 0))
    latency, footprint = result.latency, result.footprint
    assert (latency.kind, latency.unit, latency.where) == ("instructions", "instructions", "qemu-system mps2-an386")
    assert latency.repeats == 3
    assert [(layer.name, layer.macs) for layer in latency.layers] == list(macs(GRAPH).items())
    # The layers are timed one by one: their sum differs by the calls and the timer's own instructions only.
    assert sum(layer.value for layer in latency.layers) == pytest.approx(latency.value, rel=0.001)
    memory = json.loads((built / "memory.json").read_text())
    assert (footprint.flash_bytes, footprint.ram_bytes) == (memory["flash_bytes"], memory["ram_bytes"])
    assert footprint.stack_bytes is not None
    assert 64 < footprint.stack_bytes < 1024
    assert {"qemu-system-arm", "arm-none-eabi-gcc"} <= set(result.tools)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_random_models_equal_the_reference(seed: int, tmp_path: Path) -> None:
    graph = random_graph(seed)
    compile_graph(graph, TARGET, tmp_path)
    inputs = random_inputs(graph, 4, seed)
    np.testing.assert_array_equal(run_artefact(tmp_path, TARGET, inputs).outputs, execute(graph, inputs, "fixed-point"))


@pytest.mark.slow
def test_a_firmware_of_another_model_refuses_the_request(artefact: Path) -> None:
    describe(artefact, sha256="0" * 64)
    with pytest.raises(SixfoldError, match=r"exit code 64\): error: request\.bin is for another model$"):
        run_artefact(artefact, TARGET, random_inputs(GRAPH, 1, 0))


@pytest.mark.slow
def test_a_firmware_of_another_input_size_refuses_the_request(artefact: Path) -> None:
    describe(artefact, input=[2, 2, 1])
    with pytest.raises(SixfoldError, match="has samples of another size$"):
        run_artefact(artefact, TARGET, np.zeros((1, 2, 2, 1), np.int8))


@pytest.mark.slow
def test_a_fault_is_reported_with_its_address(artefact: Path) -> None:
    # Thumb's permanently undefined instruction at the entry of the inference.
    elf = artefact / "firmware.elf"
    symbols = subprocess.run(["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True).stdout
    address = next(int(line.split()[0], 16) for line in symbols.splitlines() if line.endswith(" sixfold_invoke"))
    section = next(
        line.split()
        for line in subprocess.run(["arm-none-eabi-readelf", "-SW", elf], capture_output=True, text=True, check=True)
        .stdout.replace("[ ", "[")
        .splitlines()
        if " .text " in line
    )
    data = bytearray(elf.read_bytes())
    at = int(section[4], 16) + address - int(section[3], 16)
    data[at : at + 2] = b"\x00\xde"
    elf.write_bytes(data)
    describe(artefact, elf_sha256=sha256_file(elf))
    with pytest.raises(
        SixfoldError, match=rf"exit code 70\): fault: exception 00000003 pc {address:08x} lr .* cfsr 0001"
    ):
        run_artefact(artefact, TARGET, random_inputs(GRAPH, 1, 0))


@pytest.mark.parametrize("damage", ["truncated", "missing", "changed"])
def test_a_damaged_elf_is_refused(damage: str, tmp_path: Path) -> None:
    artefact = fake_artefact(tmp_path)
    elf = artefact / "firmware.elf"
    if damage == "missing":
        elf.unlink()
    else:
        elf.write_bytes(elf.read_bytes()[:-1] + (b"" if damage == "truncated" else b"?"))
    with pytest.raises(
        SixfoldError, match=r"firmware\.elf: missing, or not the file that model\.json describes; build"
    ):
        run_artefact(artefact, TARGET, random_inputs(GRAPH, 1, 0))


@pytest.mark.parametrize("field", ["sha256", "elf_sha256", "input", "classes", "layers", "tools"])
def test_an_incomplete_description_is_refused(field: str, tmp_path: Path) -> None:
    artefact = fake_artefact(tmp_path)
    describe(artefact, **{field: None})
    expected = r"firmware\.elf: missing, or not" if field == "elf_sha256" else r"model\.json or memory\.json is incompl"
    with pytest.raises(SixfoldError, match=expected):
        run_artefact(artefact, TARGET, random_inputs(GRAPH, 1, 0))


@pytest.mark.parametrize("inputs", [np.zeros((0, 16, 16, 1), np.int8), np.zeros((1, 9, 9, 1), np.int8)])
def test_inputs_of_another_shape_are_refused(inputs: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(SixfoldError, match=r"takes int8 samples of shape \(16, 16, 1\), got int8"):
        run_artefact(fake_artefact(tmp_path), TARGET, inputs)


def test_a_missing_emulator_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SixfoldError, match="^qemu-system-arm: not found or not usable; run `make setup`"):
        run_artefact(fake_artefact(tmp_path), TARGET, random_inputs(GRAPH, 1, 0))


def test_an_emulator_that_refuses_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_qemu(tmp_path, "echo first >&2; echo unsupported machine type >&2; exit 1", monkeypatch)
    with pytest.raises(
        SixfoldError, match=r"qemu-system-arm mps2-an386 failed \(exit code 1\): unsupported machine type$"
    ):
        run_artefact(fake_artefact(tmp_path), TARGET, random_inputs(GRAPH, 1, 0))


@pytest.mark.parametrize("script", ["exit 0", "printf garbage > result.bin", "head -c 200000 /dev/zero > result.bin"])
def test_a_result_of_another_length_is_refused(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_qemu(tmp_path, script, monkeypatch)
    with pytest.raises(SixfoldError, match=r"the firmware wrote \d+ bytes of results instead of \d+$"):
        run_artefact(fake_artefact(tmp_path), TARGET, random_inputs(GRAPH, 1, 0))


def test_a_result_of_the_right_length_and_wrong_content_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 56 + (16 + 5) + 16 * len(GRAPH.operators) + 12
    pretend_qemu(tmp_path, f"head -c {size} /dev/zero > result.bin", monkeypatch)
    with pytest.raises(SixfoldError, match="results are not those of this model"):
        run_artefact(fake_artefact(tmp_path), TARGET, random_inputs(GRAPH, 1, 0))


def test_an_emulator_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_qemu(tmp_path, f"echo $$ > {tmp_path}/pid; echo stuck; exec sleep 100", monkeypatch)
    monkeypatch.setattr(qemu_system, "TIME_LIMIT_S", 0.5)
    with pytest.raises(SixfoldError, match=r"qemu-system-arm mps2-an386 finished no sample within 0.5 s: stuck$"):
        run_artefact(fake_artefact(tmp_path), TARGET, random_inputs(GRAPH, 1, 0))
    pid = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()

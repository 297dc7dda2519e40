"""The serial application on emulated boards: answers, faults, hangs, damage, and ten thousand bad lines."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.backends.cortex_m import compile_graph
from pipeline.errors import SixfoldError
from pipeline.graph.reference import execute
from pipeline.runners.serial_link import SerialLink, open_link
from pipeline.runners.serial_port import infer, read_codes, run_artefact
from pipeline.targets import RunnerSpec, load_target
from tests.emulation import EmulatedBoard, emulated, patched
from tests.firmware.serial_lines import damaged_lines
from tests.graph.graphs import random_inputs, small_mobilenet

pytestmark = pytest.mark.slow

GRAPH = small_mobilenet(1)
INPUTS = random_inputs(GRAPH, 8, 3)
CODES = execute(GRAPH, INPUTS, "fixed-point")
CLASSES = CODES.shape[1]

#: Instructions of Thumb: permanently undefined; a branch to itself.
UNDEFINED, HANG = b"\x00\xde", b"\xfe\xe7"
#: Target to the number of damaged lines that it is sent.
LINES = {"mps2-an386": 10_000, "mps3-an547": 200, "netduino-plus-2": 200}


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for name in LINES:
        folders[name] = tmp_path_factory.mktemp(name)
        compile_graph(GRAPH, load_target(name), folders[name])
    return folders


def machine(name: str) -> str:
    return str(load_target(name).runner.machine)


@pytest.fixture(scope="module")
def elf(artefacts: dict[str, Path]) -> Path:
    return artefacts["mps2-an386"] / "serial.elf"


def assert_answers_correctly(link: SerialLink, sample: int = 0) -> None:
    infer(link, INPUTS[sample])
    np.testing.assert_array_equal(read_codes(link, CLASSES), CODES[sample])


@pytest.mark.parametrize("name", LINES)
def test_damaged_lines_neither_hang_nor_fault_a_board(
    name: str, artefacts: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = damaged_lines(6, LINES[name])
    with emulated(machine(name), artefacts[name] / "serial.elf") as board:
        with open_link(board.port) as link:
            link.greet()
            assert_answers_correctly(link)
        begin = time.monotonic()
        answered = send(board, lines)
        seconds = time.monotonic() - begin
        with open_link(board.port) as link:
            link.greet()
            assert link.command("fault") == ["m-fault-[none]", "m-boots-1"]
            for sample in range(len(INPUTS)):
                assert_answers_correctly(link, sample)
    assert answered == sum(line.count(b"%") for line in lines)
    with capsys.disabled():
        print(f"\n{name}: {len(lines)} lines in {seconds:.1f} s, {answered} commands answered, no fault, no restart")


def send(board: EmulatedBoard, lines: list[bytes]) -> int:
    """Send each line when the one before is answered; how many commands were."""
    host, _, port = board.port.removeprefix("socket://").partition(":")
    answered = 0
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for line in lines:
            connection.sendall(line)
            received = b""
            while received.count(b"m-ready\r\n") < line.count(b"%"):
                got = connection.recv(1 << 16)
                assert got, f"hung up after {line!r}"
                received += got
            assert (
                received.endswith(b"m-ready\r\n") and b"m-init-done" not in received and b"m-fault-[f" not in received
            )
            answered += line.count(b"%")
    return answered


@pytest.fixture
def board(elf: Path) -> Iterator[EmulatedBoard]:
    with emulated("mps2-an386", elf) as running:
        yield running


def test_a_board_says_what_it_uses(board: EmulatedBoard, artefacts: dict[str, Path]) -> None:
    with open_link(board.port) as link:
        link.greet()
        assert_answers_correctly(link)
        (memory,) = link.command("memory")
        assert link.command("version")[1] == "m-watchdog-ms-8000"
    found = re.fullmatch(r"m-memory-\[stack (\d+) of (\d+), static (\d+), free (\d+), flash (\d+)]", memory)
    assert found
    used, size, static, free, flash = map(int, found.groups())
    assert 100 < used < size == 4096
    assert size + static <= 4 * 1024**2 - free <= size + static + 64  # and padding
    shown = subprocess.run(
        ["arm-none-eabi-size", "-A", artefacts["mps2-an386"] / "serial.elf"], capture_output=True, text=True, check=True
    ).stdout
    sizes = {row[0]: int(row[1]) for row in map(str.split, shown.splitlines()) if len(row) == 3 and row[0][0] == "."}
    assert flash == sum(sizes[name] for name in (".vectors", ".app_text", ".text", ".weights", ".rodata", ".data"))


def test_ctrl_c_ends_a_long_inference_and_later_commands_are_kept(board: EmulatedBoard) -> None:
    host, _, port = board.port.removeprefix("socket://").partition(":")
    with open_link(board.port) as link:
        link.greet()
        infer(link, INPUTS[0])
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"infer 100000 0%")
        time.sleep(0.3)
        connection.sendall(b"\x03name%")
        received = b""
        while received.count(b"m-ready") < 2:
            received += connection.recv(4096)
    assert b"e-[interrupted]\r\nm-ready\r\nm-name-dut-[Sixfold]\r\nm-ready" in received


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (UNDEFINED, r"fault in layer 6 add6, exception 00000003 pc [0-9a-f]{8} .* cfsr 00010000"),
        (HANG, r"watchdog in layer 6 add6, exception 00000002 pc [0-9a-f]{8} .* cfsr 00000000"),
    ],
    ids=["fault", "hang"],
)
def test_a_layer_that_fails_is_named_and_the_board_lives_on(code: bytes, told: str, elf: Path, tmp_path: Path) -> None:
    broken = patched(elf, "sixfold_add", code, tmp_path / "broken.elf")
    with emulated("mps2-an386", broken) as board, open_link(board.port) as link:
        link.greet()
        with pytest.raises(SixfoldError, match=f"the board restarted during `infer`: {told}"):
            infer(link, INPUTS[0])
        fault, registers, boots = link.command("fault")
        assert re.search(told, f"{fault[9:-1]}, {registers[13:-1]}") and boots == "m-boots-2"
        with pytest.raises(SixfoldError, match="restarted during `infer`"):
            infer(link, INPUTS[0])
        assert link.command("fault")[2] == "m-boots-3"
        assert link.command("fault clear") == ["m-fault-[none]", "m-boots-3"]
        assert link.command("name") == ["m-name-dut-[Sixfold]"]


def test_a_reset_in_an_inference_is_remembered_with_its_layer(artefacts: dict[str, Path]) -> None:
    # This emulated machine has no watchdog; its reset does to the program what a watchdog's does.
    with emulated(machine("netduino-plus-2"), artefacts["netduino-plus-2"] / "serial.elf") as board:
        host, _, port = board.port.removeprefix("socket://").partition(":")
        with open_link(board.port) as link:
            link.greet()
            infer(link, INPUTS[0])
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(b"infer 100000 0%")
            received = b""
            while b"m-lap-us" not in received:
                received += connection.recv(4096)
            time.sleep(0.5)  # well into the layers
            connect = ["-ex", f"target extended-remote {board.server}"]
            stop = ["-ex", "monitor system_reset", "-ex", "detach"]
            subprocess.run(["gdb-multiarch", "-nx", "-batch", *connect, *stop], capture_output=True, check=True)
            while b"m-init-done" not in received:  # the emulator resets when it finds the time
                received += connection.recv(4096)
        with open_link(board.port) as link:
            link.greet()
            end, boots = link.command("fault")
            assert re.fullmatch(r"m-fault-\[reset in layer \d+ \w+]", end) and boots == "m-boots-2"
            assert_answers_correctly(link)


def test_a_flipped_bit_in_the_model_is_found_before_it_is_used(
    elf: Path, artefacts: dict[str, Path], tmp_path: Path
) -> None:
    damaged = patched(elf, "weights_3", b"\x01", tmp_path / "damaged.elf")
    with emulated("mps2-an386", damaged) as board, open_link(board.port) as link:
        assert not link.greet().intact
        with pytest.raises(
            SixfoldError, match=r"the board refused `infer`: the model in this board's memory is damaged"
        ):
            infer(link, INPUTS[0])
        target = load_target("mps2-an386").model_copy(update={"runner": RunnerSpec(kind="serial", port=board.port)})
    with emulated("mps2-an386", damaged) as board:
        target = target.model_copy(update={"runner": RunnerSpec(kind="serial", port=board.port)})
        with pytest.raises(
            SixfoldError, match=r"the model in the board's memory is damaged; `sixfold flash` writes it"
        ):
            run_artefact(artefacts["mps2-an386"], target, INPUTS)

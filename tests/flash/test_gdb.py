"""GDB against emulated boards: written, compared, started; and every way in which that can fail."""

import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.backends.cortex_m import compile_graph
from pipeline.cli import flash as cli
from pipeline.cli.flash import flash_target
from pipeline.errors import SixfoldError
from pipeline.flash import Job, gdb
from pipeline.flash.image import read_image
from pipeline.graph.reference import execute
from pipeline.runners.serial_link import open_link
from pipeline.runners.serial_port import run_artefact
from pipeline.targets import FlashSpec, RunnerSpec, load_target
from tests.bars import recorded_bars
from tests.emulation import emulated
from tests.flash.jobs import job
from tests.graph.graphs import random_inputs, small_mobilenet

GRAPH = small_mobilenet(1)
BOARDS = ["mps2-an386", "mps3-an547", "netduino-plus-2"]


def machine(name: str) -> str:
    return str(load_target(name).runner.machine)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with targets/ and the boards' artefacts."""
    root = tmp_path_factory.mktemp("a repository")
    shutil.copytree("targets", root / "targets")
    for name in BOARDS:
        (root / "artifacts" / name).mkdir(parents=True)
        compile_graph(GRAPH, load_target(name), root / "artifacts" / name)
    return root


def job_at(server: str, name: str, repository: Path, firmware: str | None = None) -> Job:
    """Flash the firmware of target `firmware` (default: its own) to the board of target `name`."""
    target, linked = load_target(name), load_target(firmware or name)
    assert linked.memory is not None
    image = read_image(repository / "artifacts" / (firmware or name) / "serial.elf", linked.memory)
    return Job(target, FlashSpec(kind="gdb"), image, server)


@pytest.mark.slow
@pytest.mark.parametrize("name", BOARDS)
def test_an_empty_board_is_flashed_and_computes_the_references_bits(
    name: str, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    inputs = random_inputs(GRAPH, 10, 6)
    with emulated(machine(name)) as board:
        flash_target(name, server=board.server, port=board.port)
        told = capsys.readouterr().out
        assert re.match(rf"{name}: \d+ bytes written; \d+ sections read back and equal\n", told)
        assert told.endswith(f"{name}: answers on {board.port} with model {GRAPH.sha256()[:16]}, intact\n")
        target = load_target(name).model_copy(update={"runner": RunnerSpec(kind="serial", port=board.port)})
        result = run_artefact(Path("artifacts") / name, target, inputs)
        np.testing.assert_array_equal(result.outputs, execute(GRAPH, inputs, "fixed-point"))
        # Once more, onto a board that runs: it is stopped, written and started again.
        flash_target(name, server=board.server, port=board.port)
        with open_link(board.port) as link:
            link.greet()
            assert link.command("fault")[0] == "m-fault-[none]"


@pytest.mark.slow
def test_the_bar_comes_to_its_end_by_what_gdb_says_of_each_section(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = recorded_bars(monkeypatch, gdb)
    with emulated(machine("mps2-an386")) as board:
        wanted = job_at(board.server, "mps2-an386", repository)
        gdb.write(wanted)
    ((total, amounts),) = bars
    assert sum(amounts) == total and max(amounts) < total
    assert len([amount for amount in amounts if amount]) == 2 * len(wanted.image.sections)


@pytest.mark.slow
def test_the_wrong_chip_is_left_alone_and_alive(repository: Path) -> None:
    with emulated("mps2-an386") as board:
        with pytest.raises(
            SixfoldError, match=r"wrong chip: it has cortex-m4 \(CPUID 0x410fc24\d\), the target has cortex-m55"
        ):
            gdb.write(job_at(board.server, "mps3-an547", repository))
        assert board.process.poll() is None
        gdb.write(job_at(board.server, "mps2-an386", repository))


@pytest.mark.slow
def test_memory_that_does_not_hold_what_was_written_is_noticed(repository: Path) -> None:
    # The emulator takes writes to addresses where it has no memory without a word.
    with emulated("mps2-an386") as board:
        with pytest.raises(
            SixfoldError, match=r"verification failed: \.vectors, .* on the board are not those of serial\.el"
        ):
            gdb.write(job_at(board.server, "mps2-an386", repository, firmware="netduino-plus-2"))
        gdb.write(job_at(board.server, "mps2-an386", repository))


@contextmanager
def proxy(server: str, cut_after: int | None = None, flip: bytes = b"") -> Iterator[str]:
    """A cable to a GDB server: cut after so many bytes, or with a digit flipped in answers that contain `flip`."""
    host, _, port = server.partition(":")
    threads = []

    def carry(source: socket.socket, sink: socket.socket, to_board: bool) -> None:
        carried = 0
        try:
            while data := source.recv(4096):
                carried += len(data)
                if to_board and cut_after is not None and carried > cut_after:
                    break
                if not to_board and flip and flip in data:
                    data = corrupted(data, flip)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client, socket.create_connection((host, int(port))) as board:
                pair = [
                    threading.Thread(target=carry, args=(client, board, True)),
                    threading.Thread(target=carry, args=(board, client, False)),
                ]
                for thread in pair:
                    thread.start()
                for thread in pair:
                    thread.join()

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[0].start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        threads[0].join(timeout=10)


def corrupted(packet: bytes, digits: bytes) -> bytes:
    """A packet of the remote protocol with the last of `digits` changed and a checksum that fits."""
    begin, end = packet.index(b"$"), packet.index(b"#")
    body = bytearray(packet[begin + 1 : end])
    at = body.index(digits) + len(digits) - 1
    body[at] = ord("0") if body[at] != ord("0") else ord("1")
    return packet[: begin + 1] + bytes(body) + f"#{sum(body) % 256:02x}".encode() + packet[end + 3 :]


@pytest.mark.slow
@pytest.mark.parametrize("cut_after", [4_000, 40_000])
def test_a_cable_pulled_while_writing_is_one_line_and_a_retry_works(cut_after: int, repository: Path) -> None:
    with emulated("mps2-an386") as board:
        with (
            proxy(board.server, cut_after) as server,
            pytest.raises(
                SixfoldError, match=r"writing broke off \(.*\): the board holds half a firmware; flash it again$"
            ),
        ):
            gdb.write(job_at(server, "mps2-an386", repository))
        assert board.process.poll() is None
        gdb.write(job_at(board.server, "mps2-an386", repository))
        with open_link(board.port) as link:
            assert link.greet().intact


@pytest.mark.slow
def test_a_bit_that_flips_on_the_way_back_is_noticed(repository: Path) -> None:
    with emulated("mps2-an386") as board:
        weights = GRAPH.operators[3].weight.tobytes()[:16].hex().encode()  # type: ignore[union-attr]
        with (
            proxy(board.server, flip=weights) as server,
            pytest.raises(
                SixfoldError, match=r"verification failed: \.weights on the board are not those of serial\.elf"
            ),
        ):
            gdb.write(job_at(server, "mps2-an386", repository))


def test_nobody_at_the_address_is_one_line(elf: Path) -> None:
    with pytest.raises(SixfoldError, match=r"^127\.0\.0\.1:1: no board found there: no GDB server answers \(.*refused"):
        gdb.write(replace(job(elf, kind="gdb"), server="127.0.0.1:1"))


@pytest.mark.parametrize("hangs_up", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_something_else_at_the_address_is_one_line(hangs_up: bool, elf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gdb, "_ANSWER_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            if hangs_up:
                connection.close()
            else:
                connections.append(connection)

        connections: list[socket.socket] = []
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(SixfoldError, match=rf"^{address}: no board found there: no GDB server answers"):
            gdb.write(replace(job(elf, kind="gdb"), server=address))
        thread.join()
        for connection in connections:
            connection.close()


def test_without_gdb_it_says_how_to_get_it(elf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SixfoldError, match="^gdb-multiarch: not found; run `make setup`"):
        gdb.write(job(elf, kind="gdb", server="localhost:3333"))


def test_a_server_must_be_named_and_be_an_address(elf: Path) -> None:
    with pytest.raises(SixfoldError, match=r"netduino-plus-2\.yaml: flash\.server: not set; add it or give --server"):
        gdb.plan(job(elf, kind="gdb"))
    with pytest.raises(SixfoldError, match=r"^--server localhost: is not HOST:PORT$"):
        gdb.plan(replace(job(elf, kind="gdb"), server="localhost"))


def test_the_core_is_reset_by_the_servers_own_command_where_it_has_one(elf: Path) -> None:
    scripts = gdb.plan(job(elf, kind="gdb", server="localhost:3333", reset="reset halt")).files
    assert all(isinstance(script, str) and script.count("monitor reset halt\n") == 1 for script in scripts.values())
    assert "$sp" not in scripts["start.gdb"]
    scripts = gdb.plan(job(elf, kind="gdb", server="localhost:3333")).files
    assert not any("monitor" in str(script) for script in scripts.values())
    assert "set $sp = *(unsigned int *) 0x8000000\n" in str(scripts["start.gdb"])


def test_a_board_that_does_not_come_back_on_its_port_is_one_line(
    elf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "PORT_S", 0.1)
    with pytest.raises(SixfoldError, match=r"^written, but /dev/nowhere: cannot be opened"):
        cli._wait_for("/dev/nowhere", None)  # type: ignore[arg-type]

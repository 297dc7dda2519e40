"""Deployment to a real sshd whose sessions run in an emulated arm64 system, with TVM's artefact for a Pi 5."""

import contextlib
import json
import shutil
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.backends import load_backend
from pipeline.cli.flash import flash_target
from pipeline.deploy import ssh
from pipeline.deploy.board import Address
from pipeline.deploy.release import Release
from pipeline.errors import GateFailedError, SixfoldError
from pipeline.targets import load_target
from tests.backends.linux.test_folder import METADATA
from tests.deploy.ssh_server import start_server
from tests.graph.graphs import small_mobilenet

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TARGET = load_target("raspberry-pi-5")


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("build") / "artefact"
    folder.mkdir()
    graph = replace(small_mobilenet(5, channels=3), metadata=METADATA)
    load_backend(TARGET.backend).compile_graph(graph, TARGET, folder)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = start_server(tmp_path_factory.mktemp("board"), str(TARGET.runner.machine), packages=())
    yield running
    running.stop()


@pytest.fixture
def workplace(tmp_path, monkeypatch, artefact):
    """A copy of the artefact where `sixfold flash` looks for it."""
    folder = tmp_path / "artifacts" / TARGET.name
    shutil.copytree(artefact, folder)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def board(server):
    """The target's folder on the board, empty at first."""
    base = server.home / "sixfold" / TARGET.name
    shutil.rmtree(base, ignore_errors=True)
    return base


def version(workplace, number):
    """Make the artefact another version."""
    (workplace / "note.txt").write_text(f"version {number}")
    return Release.of(workplace).name


def current(board):
    return (board / "current").resolve().name


def test_a_good_artefact_is_tested_there_and_becomes_the_current_one(server, workplace, board):
    answer = ssh.deploy(TARGET, server.address())
    assert answer["different"] == 0
    assert answer["machine"].endswith("aarch64")
    assert answer["latency"]["repeats"] == 100
    assert current(board) == Release.of(workplace).name
    for path in (path for path in workplace.rglob("*") if path.is_file()):
        there = board / "current" / path.relative_to(workplace)
        assert there.read_bytes() == path.read_bytes()
        assert there.stat().st_mode & 0o111 == path.stat().st_mode & 0o111


def test_an_artefact_that_computes_something_else_is_refused(server, workplace, board):
    good = version(workplace, 1)
    ssh.deploy(TARGET, server.address())
    codes = workplace / "selftest/codes.bin"
    codes.write_bytes(bytes([codes.read_bytes()[0] ^ 1]) + codes.read_bytes()[1:])
    with pytest.raises(GateFailedError, match=r"1 of 40 codes differ on the board; nothing was switched"):
        ssh.deploy(TARGET, server.address())
    assert current(board) == good
    assert [path.name for path in (board / "releases").iterdir()] == [good]


def test_an_artefact_that_does_not_start_is_refused(server, workplace, board):
    (workplace / "runner").write_bytes(b"not a program")
    with pytest.raises(GateFailedError, match=r"the self-test did not run on the board: .*; nothing was switched"):
        ssh.deploy(TARGET, server.address())
    assert not (board / "current").exists()


def test_roll_back_returns_to_the_version_before_and_forth(server, workplace, board):
    first = version(workplace, 1)
    ssh.deploy(TARGET, server.address())
    with pytest.raises(SixfoldError, match=r"there is no version before the current one"):
        ssh.roll_back(TARGET, server.address())
    second = version(workplace, 2)
    ssh.deploy(TARGET, server.address())
    third = version(workplace, 3)
    ssh.deploy(TARGET, server.address())
    assert {path.name for path in (board / "releases").iterdir()} == {second, third} and first not in (second, third)
    name, answer = ssh.roll_back(TARGET, server.address())
    assert name == second == current(board)
    assert answer["different"] == 0
    assert ssh.roll_back(TARGET, server.address())[0] == third == current(board)


def test_deploying_the_same_again_changes_nothing(server, workplace, board):
    ssh.deploy(TARGET, server.address())
    before = {path: path.stat().st_mtime_ns for path in board.rglob("*")}
    ssh.deploy(TARGET, server.address())
    after = {path: path.stat().st_mtime_ns for path in board.rglob("*")}
    assert {p: t for p, t in before.items() if p.is_file()} == {p: t for p, t in after.items() if p.is_file()}
    assert not (board / "previous").exists()


class Cutting(threading.Thread):
    """A TCP proxy that closes both sides after so many bytes from the client."""

    def __init__(self, port, limit):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.target, self.limit = self.listener.getsockname()[1], port, limit
        self.start()

    def run(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.target))
        threading.Thread(target=self._pump, args=(server, client, None), daemon=True).start()
        self._pump(client, server, self.limit)
        for side in (client, server, self.listener):
            side.close()

    @staticmethod
    def _pump(source, sink, limit):
        sent = 0
        with contextlib.suppress(OSError):
            while (limit is None or sent < limit) and (chunk := source.recv(65536)):
                sink.sendall(chunk)
                sent += len(chunk)
        for side in (source, sink):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


def test_a_connection_cut_half_way_leaves_the_current_version_and_a_retry_works(server, workplace, board):
    good = version(workplace, 1)
    ssh.deploy(TARGET, server.address())
    newer = version(workplace, 2)
    proxy = Cutting(server.port, 2_000_000)
    with pytest.raises(SixfoldError, match=r"the connection was lost .*the current version is as it was"):
        ssh.deploy(TARGET, server.address(proxy.port))
    assert current(board) == good
    assert not (board / "releases" / newer).exists()
    ssh.deploy(TARGET, server.address())
    assert current(board) == newer


def test_a_board_that_stops_answering_is_noticed(server, workplace, board):
    listener = socket.create_server(("127.0.0.1", 0))  # accepts and says nothing
    started = time.monotonic()
    with pytest.raises(SixfoldError, match=r"cannot connect .*is the board on"):
        ssh.deploy(TARGET, server.address(listener.getsockname()[1]))
    assert time.monotonic() - started < 60
    listener.close()


def test_an_unknown_host_key_is_refused(server, workplace, board, tmp_path):
    empty = tmp_path / "known_hosts"
    empty.touch()
    with pytest.raises(SixfoldError, match=r"its host key is not trusted"):
        ssh.deploy(TARGET, server.address(known_hosts=empty))
    assert not board.exists()


def test_a_key_that_may_not_log_in_is_refused(server, workplace, board):
    address = replace(server.address(), identity=server.folder / "host_key")
    with pytest.raises(SixfoldError, match=r"no permission .*ssh-copy-id"):
        ssh.deploy(TARGET, address)


def test_another_machine_is_refused_before_anything_is_copied(server, workplace, board, monkeypatch):
    monkeypatch.setattr(ssh, "_MACHINE", "riscv64")
    with pytest.raises(SixfoldError, match=r"the board is aarch64, the artefact is for riscv64; nothing was copied"):
        ssh.deploy(TARGET, server.address())
    assert not board.exists()


def test_a_closed_port_is_one_line(server, workplace):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(SixfoldError, match=rf"port {port}: cannot connect .*is the board on, and SSH enabled"):
        ssh.deploy(TARGET, server.address(port))


def test_the_dry_run_names_each_step_and_touches_nothing(server, workplace, board):
    steps = ssh.planned_steps(TARGET, server.address())
    assert any("sha256sum" in step for step in steps) and any("--self-test" in step for step in steps)
    assert not board.exists()


def test_the_command_deploys_measures_and_rolls_back(server, workplace, board, monkeypatch, capsys):
    shutil.copytree(ROOT / "targets", "targets")
    address = server.address()
    options = {
        "host": f"{address.user}@127.0.0.1:{server.port}",
        "identity": address.identity,
        "known_hosts": address.known_hosts,
    }
    first = version(workplace, 1)
    flash_target(TARGET.name, **options)
    shown = capsys.readouterr().out
    assert f"version {first} is the current one" in shown
    assert "40 codes of the self-test, none differs" in shown
    assert "(median of 100;" in shown
    version(workplace, 2)
    flash_target(TARGET.name, **options)
    flash_target(TARGET.name, **options, roll_back=True)
    assert f"is back at version {first}" in capsys.readouterr().out
    assert current(board) == first
    with pytest.raises(SixfoldError, match=r"--host \[USER@\]HOST\[:PORT\] is missing"):
        flash_target(TARGET.name)
    with pytest.raises(SixfoldError, match=r"mps2-an386.yaml: flash: kind is not ssh"):
        flash_target("mps2-an386", **options)


@pytest.mark.parametrize(
    "text", ["", "@host", "user@", "-oProxyCommand=x", "a b", "pi@host:0", "pi@host:70000", "a@-b"]
)
def test_an_address_that_is_none_is_refused(text):
    with pytest.raises(SixfoldError, match=r"write \[USER@\]HOST\[:PORT\]"):
        Address.parse(text)


def test_addresses_are_read():
    assert Address.parse("pi@10.0.0.7:2222") == Address("10.0.0.7", "pi", 2222)
    assert Address.parse("raspberrypi.local") == Address("raspberrypi.local")
    assert Address.parse("pi@[fe80::1]") == Address("fe80::1", "pi")


def test_a_folder_that_is_no_artefact_is_named(tmp_path):
    (tmp_path / "firmware.elf").touch()
    with pytest.raises(SixfoldError, match=r"no artefact for a Linux board; build it"):
        Release.of(tmp_path)


def test_the_self_tests_answer_is_json(artefact):
    assert json.loads((artefact / "model.json").read_text())["engine"]["instruction_set"] == "neon-dotprod"

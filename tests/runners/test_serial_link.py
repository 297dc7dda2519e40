"""The host's side of the serial protocol against boards that misbehave: one clear line each."""

import os
import pty
import socket
import threading
from collections.abc import Callable

import pytest

from pipeline.errors import SixfoldError
from pipeline.runners import serial_link
from pipeline.runners.serial_link import Identity, open_link
from tests.runners.boards import answers, command, scripted

SHA256 = "ab" * 32
HASH = f"m-hash-[{SHA256}]\r\nm-constants-[100 01234567 intact]\r\nm-ready\r\n"


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_link, "ANSWER_S", 0.4)
    monkeypatch.setattr(serial_link, "_GREETING_S", 0.3)


def greet(behave: Callable[[socket.socket], None]) -> Identity:
    with scripted(behave) as port, open_link(port) as link:
        return link.greet()


def ask(answer: str) -> list[str]:
    with scripted(answers(hash=HASH, codes=answer)) as port, open_link(port) as link:
        link.greet()
        return link.command("codes")


def test_a_board_is_recognised() -> None:
    assert greet(answers(hash=HASH)) == Identity(SHA256, True)
    assert greet(answers(hash=HASH.replace("intact", "damaged"))) == Identity(SHA256, False)


def test_what_was_said_before_does_not_disturb() -> None:
    def talkative(connection: socket.socket) -> None:
        connection.sendall(b"rubbish\xff\x00m-ready\r\nm-codes-[00]\r\nm-ready\r\n")
        answers(hash=HASH, codes="m-codes-[7f]\r\nm-ready\r\n")(connection)

    with scripted(talkative) as port, open_link(port) as link:
        link.greet()
        assert link.command("codes") == ["m-codes-[7f]"]


def test_a_board_that_misses_the_first_greeting_is_asked_again() -> None:
    def sleepy(connection: socket.socket) -> None:
        command(connection)
        connection.sendall(b"m-init-done\r\nm-ready\r\n")
        answers(hash=HASH)(connection)

    assert greet(sleepy) == Identity(SHA256, True)


def test_a_dead_board_is_one_line() -> None:
    with pytest.raises(SixfoldError, match=r"^socket://.*: nobody answers: is the board powered, flashed with"):
        greet(answers())


@pytest.mark.parametrize("said", [b"\x00\xfe\xfa" * 20, b"login: ", b"U-Boot\r\nm-ready\r\n", b"x" * 200000])
def test_something_else_on_the_port_is_quoted(said: bytes) -> None:
    def other(connection: socket.socket) -> None:
        while True:
            command(connection)
            connection.sendall(said)

    with pytest.raises(
        SixfoldError, match=r"something answers, but not as a Sixfold board does \(b'.{2,140}'\): is it"
    ):
        greet(other)


def test_a_refusal_is_repeated() -> None:
    with pytest.raises(SixfoldError, match=r"the board refused `codes`: nothing was inferred yet$"):
        ask("e-[nothing was inferred yet]\r\nm-ready\r\n")


def test_a_board_that_falls_silent_is_one_line() -> None:
    with pytest.raises(SixfoldError, match=r"the board fell silent during `codes` \(waited 0\.4 s\)$"):
        ask("m-codes-[7")


def test_a_board_that_hangs_up_is_one_line() -> None:
    def leaving(connection: socket.socket) -> None:
        command(connection)
        connection.sendall(HASH.encode())
        command(connection)
        connection.sendall(b"m-co")

    with (
        scripted(leaving) as port,
        open_link(port) as link,
        pytest.raises(SixfoldError, match=r"the connection was lost \(.*\); plug it in and try again$"),
    ):
        link.greet()
        link.command("codes")


@pytest.mark.parametrize("answer", ["hello\r\n", "m-codes-[\x01]\r\n", "\xff\r\n", "x" * 100000, "m-" + "x" * 100000])
def test_nonsense_in_an_answer_is_quoted(answer: str) -> None:
    with pytest.raises(SixfoldError, match=r"nonsense in the answer to `codes`: b'.{5,}'$"):
        ask(answer)


def test_an_endless_answer_is_cut_off() -> None:
    with pytest.raises(SixfoldError, match="nonsense in the answer to `codes`: b'm-x'$"):
        ask("m-x\r\n" * 20000)


def test_a_fault_is_told_with_its_layer_and_registers() -> None:
    told = "m-fault-[fault in layer 6 add6]\r\nm-registers-[exception 00000003 pc 1234]\r\nm-init-done\r\nm-ready\r\n"
    expected = r"the board restarted during `codes`: fault in layer 6 add6, exception 00000003 pc 1234$"
    with pytest.raises(SixfoldError, match=expected):
        ask(f"m-infer-start-1\r\n\r\n{told}")


def test_a_restart_without_a_fault_is_told() -> None:
    with pytest.raises(SixfoldError, match="the board restarted during `codes`; `fault` may tell why$"):
        ask("m-init-done\r\nm-ready\r\n")


@pytest.mark.parametrize("port", ["/dev/nowhere", "socket://127.0.0.1:1", "nonsense://x", "socket://nowhere"])
def test_a_port_that_is_not_there_is_one_line(port: str) -> None:
    expected = rf"^{port}: cannot be opened \(.*\); `python -m serial\.tools\.list_ports` lists ports$"
    with pytest.raises(SixfoldError, match=expected), open_link(port):
        pytest.fail("it was opened")


def test_a_terminal_is_a_port_and_unplugging_it_is_noticed() -> None:
    board, host = pty.openpty()
    name = os.ttyname(host)

    def behave() -> None:
        seen = b""
        while b"%" not in seen:
            seen += os.read(board, 100)
        os.write(board, HASH.encode())
        while not seen.endswith(b"codes%"):
            seen += os.read(board, 100)
        os.close(board)

    thread = threading.Thread(target=behave)
    with open_link(name) as link:
        os.close(host)
        thread.start()
        assert link.greet() == Identity(SHA256, True)
        with pytest.raises(SixfoldError, match=rf"^{name}: the connection was lost"):
            link.command("codes")
    thread.join()

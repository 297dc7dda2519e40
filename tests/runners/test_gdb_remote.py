import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SixfoldError
from pipeline.runners.gdb_remote import GdbRemote


def packet(body: bytes) -> bytes:
    return b"+$%b#%02x" % (body, sum(body) % 256)


@contextmanager
def stub(*answers: bytes) -> Iterator[tuple[GdbRemote, list[bytes]]]:
    """A stub that gives these answers, one to each request, whatever is asked; and what was asked."""
    ours, theirs = socket.socketpair()
    heard: list[bytes] = []

    def serve() -> None:
        # Whoever dislikes an answer leaves without reading the rest of it: the connection breaks.
        with theirs, suppress(ConnectionResetError, BrokenPipeError):
            for answer in answers:
                request = b""
                while len(request) < 4 or request[-3:-2] != b"#":
                    byte = theirs.recv(1)
                    if not byte:
                        return
                    request = (request + byte).lstrip(b"+")
                heard.append(request)
                theirs.sendall(answer)
            while answers[-1:] != (b"",) and theirs.recv(1):
                pass  # what is sent after the last answer is an acknowledgement

    thread = threading.Thread(target=serve)
    thread.start()
    remote = GdbRemote(Path("gdb.sock"), ours)
    try:
        yield remote, heard
    finally:
        remote.close()
        thread.join()
    assert len(heard) == len(answers)


@given(st.binary(max_size=3000), st.integers(0, 2**31))
def test_memory_is_read_in_pieces_that_join(memory: bytes, address: int) -> None:
    pieces = [memory[at : at + 1024] for at in range(0, len(memory), 1024)]
    with stub(*(packet(piece.hex().encode()) for piece in pieces)) as (remote, heard):
        assert remote.read(address, len(memory)) == memory
    requests = [request[1:-3].decode() for request in heard]
    assert requests == [f"m{address + 1024 * index:x},{len(piece):x}" for index, piece in enumerate(pieces)]


def test_a_breakpoint_does_not_outlive_its_stop() -> None:
    with stub(packet(b"OK"), packet(b"T05thread:01;"), packet(b"OK")) as (remote, heard):
        remote.run_to(0x460)
    assert [request[1:-3] for request in heard] == [b"Z0,460,2", b"c", b"z0,460,2"]


def test_the_link_registers_thumb_bit_is_no_part_of_the_address() -> None:
    registers = b"".join(value.to_bytes(4, "little") for value in [*range(14), 0x465, 0x1000])
    with stub(packet(registers.hex().encode())) as (remote, _):
        assert remote.link_register() == 0x464


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"+$0011#00", "a packet is damaged"),
        (packet(b"E14"), "an answer is no memory"),
        (packet(b"00"), "2 bytes at 0x10 cannot be read"),
        (b"", "the stub closed the connection"),
        (b"+" * (1 << 17), "a packet is too long"),
    ],
)
def test_what_is_no_answer_is_one_line(answer: bytes, message: str) -> None:
    with stub(answer) as (remote, _), pytest.raises(SixfoldError, match=message):
        remote.read(0x10, 2)


def test_a_program_that_ends_is_said() -> None:
    with stub(packet(b"OK"), packet(b"W41")) as (remote, _), pytest.raises(SixfoldError, match="did not come to 0x460"):
        remote.run_to(0x460)

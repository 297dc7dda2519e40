"""Boards in QEMU with their serial port and GDB server on sockets."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile


@dataclass(frozen=True)
class EmulatedBoard:
    """A running emulator.

    Attributes:
        port: the serial port's URL.
        server: the GDB server's HOST:PORT.
    """

    port: str
    server: str
    process: subprocess.Popen[Any]


@contextmanager
def emulated(machine: str, firmware: Path | None = None) -> Iterator[EmulatedBoard]:
    """A board that runs a firmware, or without one an empty board that stands still."""
    start = ["-S"] if firmware is None else ["-kernel", str(firmware)]
    serial, gdb = _free_ports()
    process = subprocess.Popen(
        [
            *("qemu-system-arm", "-M", machine, "-display", "none", "-monitor", "none", "-nic", "none"),
            *("-icount", "shift=6,sleep=off"),
            *("-serial", f"tcp:127.0.0.1:{serial},server=on,wait=off,nodelay=on"),
            *("-gdb", f"tcp:127.0.0.1:{gdb}", *start),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        for port in (serial, gdb):
            _wait_for(port, process)
        yield EmulatedBoard(f"socket://127.0.0.1:{serial}", f"127.0.0.1:{gdb}", process)
    finally:
        process.kill()
        process.wait()


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _wait_for(port: int, process: subprocess.Popen[Any]) -> None:
    """Until the port is listened to, without connecting to it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0].decode()
        listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        if any(entry[1].endswith(f":{port:04X}") and entry[3] == "0A" for entry in listening):
            return
        time.sleep(0.02)
    raise AssertionError("the emulator does not listen")


def patched(elf: Path, symbol: str, code: bytes, result: Path) -> Path:
    """A copy of a program with the first bytes of a function or array replaced."""
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        (entry,) = file.get_section_by_name(".symtab").get_symbol_by_name(symbol)
        (at,) = file.address_offsets(entry["st_value"] & ~1, len(code))
    data = bytearray(elf.read_bytes())
    assert data[at : at + len(code)] != code
    data[at : at + len(code)] = code
    result.write_bytes(data)
    return result

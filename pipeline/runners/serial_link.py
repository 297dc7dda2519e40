"""The serial application's protocol from the host's side: commands, answers, and every way a board can fail to answer.

docs/flash.md describes the protocol. A port is anything that pyserial opens: a device file such as ``/dev/ttyACM0``,
or a URL such as ``socket://localhost:5000`` for an emulated board.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import serial

from pipeline.errors import SixfoldError

BAUD = 115200

#: Longest silence in the middle of an answer; the board's own watchdog bites before.
ANSWER_S = 10.0
#: Longest silence while it infers.
INFERENCE_S = 120.0

_POLL_S = 0.1
_GREETING_S = 3.0
_GREETING_TRIES = 3
_READY = "m-ready"
_INTERRUPT = "\x03"
#: No answer of ours is longer: 1 000 classes as probabilities take 6 000 characters, 10 000 layers as many lines.
_MOST_LINE_BYTES = 1 << 16
_MOST_LINES = 1 << 14


@dataclass(frozen=True)
class Identity:
    """What a board answers to `hash`.

    Attributes:
        sha256: of the integer graph, hexadecimal.
        intact: whether the model's constants in its memory are what was generated.
    """

    sha256: str
    intact: bool


class SerialLink:
    """An open port with the serial application behind it; made by :func:`open_link`."""

    def __init__(self, device: Any, port: str) -> None:
        self._device = device
        self._port = port
        self._received = bytearray()

    def greet(self) -> Identity:
        """Find the board, whatever state the line is in, and ask which model it has.

        Raises:
            SixfoldError: nobody answers, or something that is not the serial application.
        """
        heard = bytearray()
        for _ in range(_GREETING_TRIES):
            self._write(f"{_INTERRUPT}hash%")
            lines: list[str] = []
            for line in self._lines_until(time.monotonic() + _GREETING_S, heard):
                lines = [] if line == "m-init-done" else [*lines, line]
                if line == _READY and (identity := _identity(lines)):
                    self._drain()
                    return identity
        if heard:
            raise SixfoldError(
                f"{self._port}: something answers, but not as a Sixfold board does ({bytes(heard[:32])!r}): is it this "
                f"port, {BAUD} baud, and flashed with `sixfold flash`?"
            )
        raise SixfoldError(
            f"{self._port}: nobody answers: is the board powered, flashed with `sixfold flash`, and on this port?"
        )

    def command(self, text: str, silence_s: float | None = None) -> list[str]:
        """Send a command and wait for the end of its answer.

        Args:
            text: the command without its ``%``, at most 80 characters.
            silence_s: the longest wait for the next line of the answer; :data:`ANSWER_S` if None.

        Returns:
            The answer's lines without the last one, ``m-ready``.

        Raises:
            SixfoldError: the board refused the command, faulted or restarted in it, fell silent, sent something else
                or is gone.
        """
        self._write(f"{text}%")
        word = text.split(maxsplit=1)[0]
        lines: list[str] = []
        while (line := self._line(word, ANSWER_S if silence_s is None else silence_s)) != _READY:
            lines.append(line)
            if len(lines) > _MOST_LINES:
                raise self._nonsense(word, line.encode())
        if "m-init-done" in lines:
            raise SixfoldError(f"{self._port}: the board restarted during `{word}`{_told_by_fault(lines)}")
        for line in lines:
            if refused := re.fullmatch(r"e-\[(.*)]", line):
                raise SixfoldError(f"{self._port}: the board refused `{word}`: {refused[1]}")
        return lines

    def _write(self, text: str) -> None:
        with self._still_there():
            self._device.write(text.encode("ascii"))

    def _line(self, word: str, silence_s: float) -> str:
        deadline = time.monotonic() + silence_s
        while (line := self._buffered_line()) is None:
            if len(self._received) > _MOST_LINE_BYTES:
                raise self._nonsense(word, bytes(self._received))
            if self._read():
                deadline = time.monotonic() + silence_s
            elif time.monotonic() > deadline:
                raise SixfoldError(f"{self._port}: the board fell silent during `{word}` (waited {silence_s:g} s)")
        text = line.decode("ascii", errors="replace")
        if not re.fullmatch(r"(?:m-|e-)[ -~]*|", text):
            raise self._nonsense(word, line)
        return text if text else self._line(word, silence_s)

    def _lines_until(self, deadline: float, heard: bytearray) -> Iterator[str]:
        """Lines as they come until the deadline, nonsense included; `heard` collects the first bytes of all."""
        while time.monotonic() < deadline:
            got = self._read()
            if len(heard) < _MOST_LINE_BYTES:
                heard += got
            if len(self._received) > _MOST_LINE_BYTES:
                self._received.clear()
            while (line := self._buffered_line()) is not None:
                yield line.decode("ascii", errors="replace")

    def _drain(self) -> None:
        """Drop what is left of answers to earlier tries."""
        while self._read():
            pass
        self._received.clear()

    def _buffered_line(self) -> bytes | None:
        end = self._received.find(b"\n")
        if end < 0:
            return None
        line = bytes(self._received[:end]).rstrip(b"\r")
        del self._received[: end + 1]
        return line

    def _read(self) -> bytes:
        """What has arrived, or nothing after a short wait."""
        with self._still_there():
            got: bytes = self._device.read(1)
            if got and (more := self._device.in_waiting):
                got += self._device.read(more)
        self._received += got
        return got

    @contextmanager
    def _still_there(self) -> Iterator[None]:
        try:
            yield
        except (OSError, TypeError) as error:  # pyserial raises TypeError for a device that vanishes while it reads
            raise SixfoldError(f"{self._port}: the connection was lost ({error}); plug it in and try again") from error

    def _nonsense(self, word: str, got: bytes) -> SixfoldError:
        return SixfoldError(f"{self._port}: nonsense in the answer to `{word}`: {got[:32]!r}")


@contextmanager
def open_link(port: str, wait: Callable[[], None] | None = None) -> Iterator[SerialLink]:
    """Open a port for the block.

    Args:
        port: a device file or a pyserial URL.
        wait: called once the port is open and before anything is sent.

    Raises:
        SixfoldError: it cannot be opened.
    """
    try:
        device = serial.serial_for_url(port, baudrate=BAUD, timeout=_POLL_S, write_timeout=ANSWER_S)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SixfoldError(
            f"{port}: cannot be opened ({reason}); `python -m serial.tools.list_ports` lists ports"
        ) from error
    try:
        if wait is not None:
            wait()
        yield SerialLink(device, port)
    finally:
        device.close()


def _identity(lines: list[str]) -> Identity | None:
    text = "\n".join(lines)
    digest = re.search(r"^m-hash-\[([0-9a-f]{64})]$", text, flags=re.MULTILINE)
    constants = re.search(r"^m-constants-\[\d+ [0-9a-f]{8} (intact|damaged)]$", text, flags=re.MULTILINE)
    return Identity(digest[1], constants[1] == "intact") if digest and constants else None


def _told_by_fault(lines: list[str]) -> str:
    told = [match[1] for line in lines if (match := re.fullmatch(r"m-(?:fault|registers)-\[(.*)]", line))]
    return f": {', '.join(told)}" if told else "; `fault` may tell why"

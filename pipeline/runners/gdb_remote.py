"""The few packets of GDB's remote protocol that reading a stopped board's memory takes.

Source: "Debugging with GDB", appendix E (Remote Serial Protocol).
"""

import socket
from pathlib import Path

from pipeline.errors import SixfoldError

#: Longest wait for an answer; a layer of the largest network takes an emulator a few seconds.
ANSWER_S = 180.0

#: Bytes of memory in one packet: half of what QEMU's stub takes, in hexadecimal digits.
_READ_BYTES = 1024
_LARGEST_PACKET = 1 << 16
_LINK_REGISTER = 14


class GdbRemote:
    """A connection to a stub, its core standing still."""

    def __init__(self, server: Path, connection: socket.socket) -> None:
        self._server = server
        self._connection = connection
        self._received = bytearray()

    @classmethod
    def connect(cls, server: Path) -> "GdbRemote":
        """Connect to a stub that listens on a Unix socket.

        Raises:
            OSError: nobody listens.
        """
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(ANSWER_S)
            connection.connect(str(server))
        except OSError:
            connection.close()
            raise
        return cls(server, connection)

    def close(self) -> None:
        """Drop the connection; the core stays as it is."""
        self._connection.close()

    def run_to(self, address: int) -> None:
        """Run until just before the Thumb instruction at `address`, which must not be where the core stands.

        Raises:
            SixfoldError: the program ended or fell silent before it came there.
        """
        # A stub does not step over a breakpoint that the core stands on, so none outlives its stop.
        self._expect(f"Z0,{address:x},2", "OK")
        answer = self._ask("c")
        if not answer.startswith(("T05", "S05")):
            raise self._failure(f"the program did not come to {address:#x}", answer)
        self._expect(f"z0,{address:x},2", "OK")

    def link_register(self) -> int:
        """Where the function that has just been entered returns to, without the Thumb bit."""
        words = self._bytes(self._ask("g"))
        begin = 4 * _LINK_REGISTER
        if len(words) < begin + 4:
            raise self._failure("the registers are too few", words.hex())
        return int.from_bytes(words[begin : begin + 4], "little") & ~1

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes of memory."""
        parts = []
        for begin in range(0, size, _READ_BYTES):
            count = min(_READ_BYTES, size - begin)
            part = self._bytes(self._ask(f"m{address + begin:x},{count:x}"))
            if len(part) != count:
                raise self._failure(f"{count} bytes at {address + begin:#x} cannot be read", part.hex())
            parts.append(part)
        return b"".join(parts)

    def _expect(self, request: str, wanted: str) -> None:
        if (answer := self._ask(request)) != wanted:
            raise self._failure(f"{request} is refused", answer)

    def _bytes(self, answer: str) -> bytes:
        try:
            return bytes.fromhex(answer)
        except ValueError:
            raise self._failure("an answer is no memory", answer) from None

    def _ask(self, request: str) -> str:
        body = request.encode("ascii")
        try:
            self._connection.sendall(b"$%b#%02x" % (body, sum(body) % 256))
            answer = self._packet()
            self._connection.sendall(b"+")
        except OSError as error:
            raise self._failure("the connection broke", str(error)) from error
        return answer

    def _packet(self) -> str:
        """The next packet's body; acknowledgements before it are dropped."""
        while True:
            begin, end = self._received.find(b"$"), self._received.find(b"#")
            if 0 <= begin < end and len(self._received) >= end + 3:
                body = bytes(self._received[begin + 1 : end])
                check = self._received[end + 1 : end + 3].decode("ascii", errors="replace")
                del self._received[: end + 3]
                if check.lower() != f"{sum(body) % 256:02x}":
                    raise self._failure("a packet is damaged", repr(body[:32]))
                return body.decode("ascii", errors="replace")
            if len(self._received) > _LARGEST_PACKET:
                raise self._failure("a packet is too long", "")
            got = self._connection.recv(4096)
            if not got:
                raise self._failure("the stub closed the connection", "")
            self._received += got

    def _failure(self, what: str, answer: str) -> SixfoldError:
        said = f" ({answer[:60]!r})" if answer else ""
        return SixfoldError(f"GDB stub {self._server.name}: {what}{said}")

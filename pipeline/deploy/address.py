"""Where a Linux board is: what ``--host`` says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SixfoldError

_ADDRESS = re.compile(
    r"(?:(?P<user>[^@\s:-][^@\s:]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.][\w.-]*)(?::(?P<port>\d{1,5}))?", re.ASCII
)


@dataclass(frozen=True)
class Address:
    """Where a board is and how to log in.

    Attributes:
        host: name or address.
        user: None for the user's own name or what the SSH configuration says.
        port: of the SSH server.
        identity: a private key file; None for the user's agent and usual keys.
        known_hosts: the file with trusted host keys; None for the user's own.
    """

    host: str
    user: str | None = None
    port: int = 22
    identity: Path | None = None
    known_hosts: Path | None = None

    @classmethod
    def parse(cls, text: str, identity: Path | None = None, known_hosts: Path | None = None) -> Address:
        """Read ``[USER@]HOST[:PORT]``; an IPv6 address is in brackets.

        Raises:
            SixfoldError: not of that form.
        """
        found = _ADDRESS.fullmatch(text)
        port = int(found["port"] or 22) if found else 0
        if found is None or not 0 < port < 2**16:
            raise SixfoldError(f"--host {text!r}: write [USER@]HOST[:PORT], for example pi@raspberrypi.local")
        return cls(found["host"].strip("[]"), found["user"], port, identity, known_hosts)

    def __str__(self) -> str:
        return f"{self.user}@{self.host}" if self.user else self.host

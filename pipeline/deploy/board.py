"""A Linux board at the other end of an SSH connection."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from pipeline.deploy.address import Address
from pipeline.errors import SixfoldError

_CONNECT_TIMEOUT_S = 20
#: A peer that has gone is noticed after this many seconds, three times in a row without an answer.
_KEEPALIVE_S = 5


@dataclass(frozen=True)
class Answer:
    """What a command on the board gave."""

    status: int
    output: str
    errors: str

    @property
    def reason(self) -> str:
        """The last line of the errors, or the status."""
        lines = self.errors.strip().splitlines()
        return lines[-1] if lines else f"exit status {self.status}"


class Board:
    """An open connection; made by :func:`connected`."""

    def __init__(self, connection: asyncssh.SSHClientConnection, files: asyncssh.SFTPClient) -> None:
        self._connection = connection
        self.files = files

    async def run(self, *command: str, time_limit_s: float = 60) -> Answer:
        """Run a program there; the arguments reach it as they are.

        Raises:
            SixfoldError: not done within the time limit.
        """
        try:
            done = await self._connection.run(shlex.join(command), timeout=time_limit_s, errors="replace")
        except asyncssh.TimeoutError as error:
            raise SixfoldError(f"{Path(command[0]).name} was not done on the board after {time_limit_s:g} s") from error
        status = done.exit_status if done.exit_status is not None else -1
        return Answer(status, str(done.stdout or ""), str(done.stderr or ""))


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[Board]:
    """Connect, check the host's key, log in.

    Raises:
        SixfoldError: no such host, no answer, a key that is not trusted, or no permission; also a connection that is
            lost inside the block.
    """
    options = asyncssh.SSHClientConnectionOptions(
        username=address.user or (),
        client_keys=[str(address.identity)] if address.identity else (),
        known_hosts=str(address.known_hosts) if address.known_hosts else (),
        connect_timeout=_CONNECT_TIMEOUT_S,
        login_timeout=_CONNECT_TIMEOUT_S,
        keepalive_interval=_KEEPALIVE_S,
        keepalive_count_max=3,
    )
    reached = False
    try:
        async with (
            asyncssh.connect(address.host, address.port, options=options) as connection,
            connection.start_sftp_client() as files,
        ):
            reached = True
            yield Board(connection, files)
    except asyncssh.HostKeyNotVerifiable as error:
        raise SixfoldError(
            f"{address}: its host key is not trusted ({error.reason}); log in once with `ssh {address}`, compare the "
            "fingerprint with the board's own, and try again"
        ) from error
    except asyncssh.PermissionDenied as error:
        raise SixfoldError(f"{address}: no permission ({error.reason}); put your key there: ssh-copy-id") from error
    except asyncssh.SFTPError as error:
        if isinstance(error, asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection):
            raise SixfoldError(_lost(address, error)) from error
        raise SixfoldError(f"{address}: the board refused a file operation ({error.reason})") from error
    except (OSError, asyncssh.Error, asyncssh.KeyImportError) as error:  # OSError: also Python's TimeoutError
        if reached:
            raise SixfoldError(_lost(address, error)) from error
        reason = str(error) or "no answer"
        raise SixfoldError(
            f"{address}, port {address.port}: cannot connect ({reason}); is the board on, and SSH enabled?"
        ) from error


def _lost(address: Address, error: Exception) -> str:
    return f"{address}: the connection was lost ({error}); the current version is as it was, run it again"

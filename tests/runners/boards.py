"""Boards for tests, behind a TCP socket: the serial application on this computer, or any behaviour one can script."""

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def scripted(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a board that lets `behave` speak to each who connects, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=10)
    assert not thread.is_alive()


@contextmanager
def on_this_computer(program: Path) -> Iterator[str]:
    """The URL of `host_serial`, started anew for each who connects."""

    def behave(connection: socket.socket) -> None:
        subprocess.run([program], stdin=connection.fileno(), stdout=connection.fileno(), check=True, timeout=60)

    with scripted(behave) as url:
        yield url


def command(connection: socket.socket) -> str:
    """The next command that the host sends, without its ``%``."""
    text = b""
    while not text.endswith(b"%"):
        got = connection.recv(1)
        if not got:
            raise ConnectionError
        text += got
    return text.decode().replace("\x03", "")[:-1]


def answers(**answers: str) -> Callable[[socket.socket], None]:
    """A behaviour: the answer to each command by its first word; one that is not there is never answered."""

    def behave(connection: socket.socket) -> None:
        while True:
            word = command(connection).partition(" ")[0]
            if word in answers:
                connection.sendall(answers[word].encode())

    return behave

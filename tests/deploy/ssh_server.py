"""A Raspberry Pi as far as SSH can see: a real sshd on loopback whose commands run in an emulated arm64 system."""

import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.deploy.board import Address
from tests.debian import debian_root

#: What Raspberry Pi OS has and an artefact may use.
_BOARD = ("base-files", "bash", "coreutils", "dash", "libstdc++6", "python3")
_SERVER = ("openssh-server", "openssh-sftp-server", "openssh-client", "proot")

# Every session runs this. Files are served by the real sftp-server, everything else inside the arm64 system.
_SESSION = """#!/bin/sh
cd {home}
export LD_LIBRARY_PATH={libraries}
case "$SSH_ORIGINAL_COMMAND" in
  {sftp}) exec {sftp} ;;
esac
exec env HOME={home} PATH=/usr/bin:/bin {proot} -q "qemu-aarch64-static -cpu {cpu}" -r {board} \\
  -b {home} -b /proc -b /dev -b /tmp -w {home} /bin/sh -c "$SSH_ORIGINAL_COMMAND"
"""

_CONFIGURATION = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
PidFile {folder}/pid
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
Subsystem sftp {sftp}
ForceCommand {folder}/session
"""


@dataclass
class SshServer:
    """A running server.

    Attributes:
        home: the login folder, here and on the "board" alike.
    """

    folder: Path
    home: Path
    port: int
    process: subprocess.Popen

    def address(self, port=None, known_hosts=None):
        return Address(
            "127.0.0.1",
            _user(),
            port or self.port,
            self.folder / "client_key",
            known_hosts or self.known_hosts(port or self.port),
        )

    def known_hosts(self, port):
        path = self.folder / f"known_hosts.{port}"
        key = (self.folder / "host_key.pub").read_text()
        path.write_text(f"[127.0.0.1]:{port} {key}")
        return path

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def start_server(folder: Path, cpu: str = "cortex-a76") -> SshServer:
    """Start one whose files lie in `folder`; skips the test where something is missing."""
    if shutil.which("qemu-aarch64-static") is None:
        pytest.skip("needs qemu-aarch64-static; `make setup` installs it")
    tools = debian_root(_native(), _SERVER)
    board = debian_root("arm64", _BOARD)
    home = folder / "home"
    home.mkdir()
    libraries = f"{tools}/lib/{_triplet()}:{tools}/usr/lib/{_triplet()}"
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
    for name in ("host_key", "client_key"):
        command = [tools / "usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
        subprocess.run(command, check=True, env=environment)
    shutil.copyfile(folder / "client_key.pub", folder / "authorized_keys")
    sftp = tools / "usr/lib/openssh/sftp-server"
    session = folder / "session"
    session.write_text(
        _SESSION.format(home=home, sftp=sftp, libraries=libraries, proot=tools / "usr/bin/proot", cpu=cpu, board=board)
    )
    session.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    configuration = folder / "sshd_config"
    configuration.write_text(_CONFIGURATION.format(port=port, folder=folder, sftp=sftp))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where a server started by root wants to be locked in
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [tools / "usr/sbin/sshd", "-D", "-e", "-f", configuration], stderr=log, stdout=log, env=environment
    )
    for _ in range(100):
        if process.poll() is not None:
            pytest.fail(f"sshd ended: {(folder / 'log').read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return SshServer(folder, home, port, process)
        time.sleep(0.1)
    process.kill()
    pytest.fail(f"sshd does not answer: {(folder / 'log').read_text()}")


def _user():
    return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


def _native():
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()


def _triplet():
    return f"{os.uname().machine}-linux-gnu" if sys.platform == "linux" else ""

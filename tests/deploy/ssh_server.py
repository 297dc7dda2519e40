"""A Raspberry Pi as far as SSH can see: a real sshd on loopback whose commands run in an emulated arm64 system."""

import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.debian import debian_root, have_apt, library_path, native_architecture
from pipeline.deploy.address import Address
from pipeline.runners.emulated_system import EmulatedSystem, seen_as

_SERVER = ("openssh-server", "openssh-sftp-server", "openssh-client")

# Every session runs this. Files are served by the real sftp-server, everything else inside the arm64 system.
_SESSION = """#!/bin/sh
cd {home}
case "$SSH_ORIGINAL_COMMAND" in
  {sftp}) LD_LIBRARY_PATH={libraries} exec {sftp} ;;
esac
exec env -i {environment} {system} /bin/sh -c "cd {there}; $SSH_ORIGINAL_COMMAND"
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
        home: the login folder, as this computer sees it.
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


def start_server(folder: Path, cpu: str, packages: Sequence[str]) -> SshServer:
    """Start one whose files lie in `folder`; skips the test where there is no apt.

    Args:
        cpu: of the board, as the emulator calls it.
        packages: what pip has installed there.
    """
    if not have_apt():
        pytest.skip("needs apt-get and dpkg, to unpack an SSH server and an arm64 system")
    tools = debian_root(native_architecture(), _SERVER)
    system = EmulatedSystem.fetch(packages)
    home = folder / "home"
    home.mkdir()
    libraries = library_path(tools)
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
    for name in ("host_key", "client_key"):
        command = [tools / "usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
        subprocess.run(command, check=True, env=environment)
    shutil.copyfile(folder / "client_key.pub", folder / "authorized_keys")
    sftp = tools / "usr/lib/openssh/sftp-server"
    variables = {**system.environment(), "HOME": seen_as("home")}
    session = folder / "session"
    session.write_text(
        _SESSION.format(
            home=home,
            there=seen_as("home"),
            sftp=sftp,
            libraries=libraries,
            environment=shlex.join(f"{name}={value}" for name, value in variables.items()),
            system=shlex.join(system.command(cpu, {"home": home})),
        )
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

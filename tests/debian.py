"""Debian packages unpacked into a folder of their own: nothing is installed, no service is started."""

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.cache import alone, cache_folder
from pipeline.files import atomic_folder


def debian_root(architecture: str, packages: Sequence[str]) -> Path:
    """A root file system with these packages and what they depend on; fetched once and kept in the cache.

    Skips the test where there is no apt.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        pytest.skip("needs apt-get and dpkg, to unpack Debian packages")
    digest = hashlib.sha256(" ".join([architecture, *packages]).encode()).hexdigest()[:12]
    folder = cache_folder() / "debian" / f"{architecture}-{digest}"
    with alone(folder):
        if not folder.is_dir():
            with atomic_folder(folder) as made:
                _fetch(architecture, packages, made)
    return folder


def _fetch(architecture: str, packages: Sequence[str], folder: Path) -> None:
    state, cache = folder / ".state", folder / ".cache"
    for path in (state / "lists/partial", cache / "archives/partial"):
        path.mkdir(parents=True)
    (state / "status").touch()
    settings = {
        "Dir::State": state,
        "Dir::State::Lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": cache,
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Sandbox::User": "",
        "Debug::NoLocking": "1",
        "Acquire::Retries": "3",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
    _run([*apt, "update"])
    _run([*apt, "install", "--yes", "--no-install-recommends", "--download-only", *packages])
    archives = sorted((cache / "archives").glob("*.deb"))
    assert archives, "apt-get fetched nothing"
    for archive in archives:
        _run(["dpkg", "-x", str(archive), str(folder)])
    shutil.rmtree(state)
    shutil.rmtree(cache)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command[:2])}: {done.stderr.strip()[-500:]}"

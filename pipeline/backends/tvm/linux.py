"""The part of a Raspberry Pi's artefact that is TVM's: its runtime and the program that calls the network."""

from __future__ import annotations

import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import tvm_ffi.libinfo

from pipeline.errors import SixfoldError
from pipeline.packages import fetch_wheel

_RUNNER = Path(__file__).with_name("runner.cc")
#: The runtime's libraries, by the wheel that holds them.
_LIBRARIES = {"apache-tvm": "tvm/lib/libtvm_runtime.so", "apache-tvm-ffi": "tvm_ffi/lib/libtvm_ffi.so"}
_TIME_LIMIT_S = 300


def cross_compiler(machine: str) -> str:
    """Path of the C++ compiler for a processor.

    Raises:
        SixfoldError: it is not installed.
    """
    command = "g++" if machine == "x86_64" else f"{machine}-linux-gnu-g++"
    found = shutil.which(command)
    if found is None:
        raise SixfoldError(f"{command}: not found; run `make setup`, which installs it")
    return found


def write_runtime(machine: str, folder: Path) -> dict[str, str]:
    """Put ``lib/`` (TVM's runtime for `machine`) and ``runner`` into `folder`; returns the versions of tools.

    Raises:
        SixfoldError: the runtime cannot be fetched, or the cross compiler is missing or refuses.
    """
    libraries = folder / "lib"
    libraries.mkdir()
    for package, member in _LIBRARIES.items():
        shutil.copyfile(fetch_wheel(package, machine=machine) / member, libraries / Path(member).name)
    compiler = cross_compiler(machine)
    command = [
        *(compiler, "-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror"),
        # The same source gives the same bytes wherever it lies.
        *("-s", "-Wl,--build-id=none", f"-ffile-prefix-map={_RUNNER.parent}=."),
        *("-isystem", tvm_ffi.libinfo.find_include_path(), "-isystem", tvm_ffi.libinfo.find_dlpack_include_path()),
        *(str(_RUNNER), "-o", str(folder / "runner"), f"-L{libraries}", "-ltvm_runtime", "-ltvm_ffi"),
        "-Wl,-rpath,$ORIGIN/lib",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIME_LIMIT_S)
    if done.returncode:
        raise SixfoldError(f"{Path(compiler).name}: {_RUNNER.name} does not compile: {done.stderr.strip()[:500]}")
    return {package: version(package) for package in _LIBRARIES}

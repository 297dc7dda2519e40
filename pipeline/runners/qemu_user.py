"""Runs a Raspberry Pi's program on this computer, its processor emulated by QEMU: correctness, never time."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from pipeline.errors import SixfoldError
from pipeline.files import read_json, sha256_file
from pipeline.graph.ir import Int8Array
from pipeline.runners import RunResult
from pipeline.runners.emulated_program import EmulatedProgram
from pipeline.targets import Target

#: An emulated inference of MobileNetV2 1.0/224 takes about a second.
SAMPLES: int | None = 200

_EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")
#: Where Debian's cross compiler keeps the C and C++ libraries of the emulated system.
_SYSTEM = Path("/usr/aarch64-linux-gnu")
_CHUNK = 8
_TIME_LIMIT_S = 600


def run_artefact(artefact: Path, target: Target, inputs: Int8Array) -> RunResult:
    """Execute `runner` under emulation on all `inputs`; there is no latency, an emulator's says nothing.

    Raises:
        SixfoldError: the emulator or the cross compiler's libraries are missing, the artefact is damaged, or the
            program failed.
    """
    emulator = _emulator()
    description = read_json(artefact / "model.json")
    library = artefact / description["engine"]["library"]
    if not library.is_file() or sha256_file(library) != description["engine"]["sha256"]:
        raise SixfoldError(f"{library}: damaged or missing; run `sixfold build {target.name}` again")
    # -cpu max would offer instructions that the board has not.
    command = [emulator, "-cpu", str(target.runner.machine), "-L", str(_SYSTEM), str(artefact / "runner"), str(library)]
    command += map(str, [*description["input"], description["classes"]])
    program = EmulatedProgram(
        target.name,
        description["classes"],
        lambda images, codes: [*command, str(images), str(codes)],
        chunk=_CHUNK,
        time_limit_s=_TIME_LIMIT_S,
    )
    return RunResult(
        outputs=program.run(inputs),
        latency=None,
        tools={**description["engine"]["tools"], "qemu-user": _version(emulator)},
        details=_details(description, target),
    )


def _details(description: dict[str, Any], target: Target) -> dict[str, Any]:
    engine = description["engine"]
    return {
        "executed_by": f"qemu-user, -cpu {target.runner.machine}",
        "instruction_set": engine["instruction_set"],
        "untuned": engine["untuned"],
    }


def _emulator() -> str:
    for name in _EMULATORS:
        found = shutil.which(name)
        if found is not None and _SYSTEM.is_dir():
            return found
    raise SixfoldError(
        f"{_EMULATORS[0]} or {_SYSTEM} is missing; run `make setup`, which installs qemu-user-static and "
        "g++-aarch64-linux-gnu"
    )


def _version(emulator: str) -> str:
    text = subprocess.run([emulator, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\S+)", text)
    return found[1] if found else text.splitlines()[0]

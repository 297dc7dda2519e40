"""A Cortex-M firmware in QEMU's system emulator: outputs, exact instruction counts, stack.

The firmware is `firmware/apps/evaluate.c`, which describes the two files that it shares with this module. QEMU runs
with ``-icount``: every instruction takes 64 ns of virtual time whatever the host does, so a timer of the machine
counts instructions, the same in every run. That is no cycle count: QEMU models neither pipeline nor memory.
"""

import math
import re
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array
from pipeline.graph.reference import Family
from pipeline.progress import progress_bar
from pipeline.runners import Footprint, Latency, LayerCost, RunResult
from pipeline.runners.emulated_tensors import read_tensors
from pipeline.runners.firmware import EVALUATION, FirmwareArtefact, read_artefact
from pipeline.targets import Target

#: Test images that verification emulates: 20 ms each for the smallest network, 1 s for a width of 1.0 at 224x224.
SAMPLES = 200

#: Longest wait for the next sample, far above what a loaded machine needs for the largest network.
TIME_LIMIT_S = 180.0

QEMU = "qemu-system-arm"

#: `-icount shift=6` advances virtual time by 2^6 ns an instruction.
_NS_PER_INSTRUCTION = 64
_POLL_S = 0.1
_REQUEST_HEADER = struct.Struct("<8s32sII")
_RESULT_HEADER = struct.Struct("<8s32sIIII")
_RESULT_END = struct.Struct("<I8s")


@dataclass(frozen=True)
class _Result:
    """Contents of `result.bin`; instructions are whole numbers."""

    outputs: Int8Array
    sample_instructions: npt.NDArray[np.float64]
    layer_instructions: npt.NDArray[np.float64]
    stack_bytes: int


def run_artefact(artefact: Path, target: Target, inputs: Int8Array, options: Sequence[str] = ()) -> RunResult:
    """Emulate the firmware in folder `artefact` on the target's machine.

    Args:
        artefact: what backend `cortex-m` wrote.
        target: names the machine in ``runner.machine``.
        inputs: int8 ``(samples, height, width, channels)``, at least one sample.
        options: further ones of the emulator; files in them by absolute paths.

    Returns:
        Outputs, the median instruction count of an inference and that of each layer.

    Raises:
        SixfoldError: QEMU is missing or failed, the artefact is damaged, the firmware failed or took too long.
    """
    built = read_artefact(artefact, EVALUATION)
    built.check_inputs(inputs)
    version = qemu_version()
    machine = str(target.runner.machine)
    with tempfile.TemporaryDirectory(prefix="sixfold-qemu-") as name:
        folder = Path(name)
        _write_request(folder / "request.bin", built, inputs)
        _emulate(folder, built, machine, len(inputs), options)
        result = _read_result(folder / "result.bin", built, len(inputs))
    instructions = result.sample_instructions
    return RunResult(
        outputs=result.outputs,
        latency=Latency(
            kind="instructions",
            unit="instructions",
            value=float(np.median(instructions)),
            repeats=len(inputs),
            where=f"qemu-system {machine}",
            layers=tuple(
                LayerCost(name, float(value), macs)
                for (name, macs), value in zip(built.layers, result.layer_instructions, strict=True)
            ),
        ),
        footprint=Footprint(built.flash_bytes, built.ram_bytes, result.stack_bytes),
        tools={QEMU: version, **built.tools},
        details={"least_instructions": float(instructions.min()), "most_instructions": float(instructions.max())},
    )


def run_tensors(artefact: Path, target: Target, image: Int8Array, family: Family) -> Mapping[str, Int8Array]:
    """Every activation of one inference on the emulated board, by name, as the firmware leaves it after each layer.

    Args:
        artefact: what backend `cortex-m` wrote.
        target: names the machine in ``runner.machine``.
        image: int8 ``(height, width, channels)``.
        family: ``fixed-point``, the only one that it computes in.

    Returns:
        Flat int8, as the memory holds it.

    Raises:
        SixfoldError: QEMU is missing or failed, or the artefact is damaged.
    """
    del family
    built = read_artefact(artefact, EVALUATION)
    built.check_inputs(image[np.newaxis])
    qemu_version()
    with tempfile.TemporaryDirectory(prefix="sixfold-qemu-") as name:
        folder = Path(name)
        _write_request(folder / "request.bin", built, image[np.newaxis])
        return read_tensors(_command(built, str(target.runner.machine)), folder, built)


def qemu_version() -> str:
    """Version of the installed emulator, such as ``7.2.22``.

    Raises:
        SixfoldError: it is not installed.
    """
    try:
        shown = subprocess.run([QEMU, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SixfoldError(f"{QEMU}: not found or not usable; run `make setup`, which installs it") from error
    match = re.search(r"version (\S+)", shown)
    return match[1] if match else "unknown"


def _write_request(path: Path, artefact: FirmwareArtefact, inputs: Int8Array) -> None:
    header = _REQUEST_HEADER.pack(b"SXFREQ01", artefact.sha256, len(inputs), inputs[0].size)
    path.write_bytes(header + np.ascontiguousarray(inputs).tobytes())


def _emulate(folder: Path, artefact: FirmwareArtefact, machine: str, samples: int, options: Sequence[str] = ()) -> None:
    """Run QEMU in `folder` until the firmware exits, showing the samples done on a terminal."""
    console = folder / "console.txt"
    with console.open("wb") as stream:
        process = subprocess.Popen(
            [*_command(artefact, machine), *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            code = _wait(process, folder / "result.bin", _sample_record(artefact.classes).itemsize, samples)
        finally:
            process.kill()  # does nothing when it has ended; leaves no emulator behind otherwise
            process.wait()
    if code is None:
        raise SixfoldError(f"{QEMU} {machine} finished no sample within {TIME_LIMIT_S:g} s{_quote(console)}")
    if code != 0:
        raise SixfoldError(f"{QEMU} {machine} failed (exit code {code}){_quote(console)}")


def _command(artefact: FirmwareArtefact, machine: str) -> list[str]:
    """QEMU with the arguments that every run has."""
    return [
        *(QEMU, "-M", machine, "-display", "none", "-serial", "none", "-monitor", "none", "-nic", "none"),
        *("-icount", "shift=6,sleep=off"),
        # Semihosting opens files by relative names in QEMU's working folder, which is a temporary one.
        *("-semihosting-config", "enable=on,target=native"),
        *("-kernel", str(artefact.elf)),
    ]


def _wait(process: subprocess.Popen[Any], result: Path, record_bytes: int, samples: int) -> int | None:
    """Exit code of the emulator, or None when no sample was finished within the time limit."""
    deadline = time.monotonic() + TIME_LIMIT_S
    shown = 0
    with progress_bar("emulating", samples) as advance:
        while time.monotonic() < deadline:
            try:
                return process.wait(timeout=_POLL_S)
            except subprocess.TimeoutExpired:
                written = result.stat().st_size if result.exists() else 0
                done = min((written - _RESULT_HEADER.size) // record_bytes, samples)
                if done > shown:
                    advance(done - shown)
                    shown = done
                    deadline = time.monotonic() + TIME_LIMIT_S
    return None


def _quote(console: Path) -> str:
    """The last line that emulator or firmware printed, for an error of one line."""
    with console.open("rb") as stream:
        stream.seek(max(0, console.stat().st_size - 4096))
        lines = stream.read().decode(errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip()]
    return f": {said[-1][:300]}" if said else ""


def _sample_record(classes: int) -> np.dtype[np.void]:
    """One sample's part of `result.bin`."""
    return np.dtype([("ticks", "<u8", (2,)), ("output", "i1", (classes,))])


def _read_result(path: Path, artefact: FirmwareArtefact, samples: int) -> _Result:
    layers = len(artefact.layers)
    record = _sample_record(artefact.classes)
    expected_bytes = _RESULT_HEADER.size + samples * record.itemsize + 16 * layers + _RESULT_END.size
    data = path.read_bytes() if path.is_file() else b""
    if len(data) != expected_bytes:
        raise SixfoldError(f"{QEMU}: the firmware wrote {len(data)} bytes of results instead of {expected_bytes}")
    magic, sha256, *counts, timer_hz = _RESULT_HEADER.unpack_from(data)
    stack_bytes, end = _RESULT_END.unpack_from(data, expected_bytes - _RESULT_END.size)
    if (magic, end, sha256, counts) != (
        b"SXFRES01",
        b"SXFDONE1",
        artefact.sha256,
        [samples, artefact.classes, layers],
    ) or not timer_hz:
        raise SixfoldError(f"{QEMU}: the firmware's results are not those of this model; build it again")
    records = np.frombuffer(data, record, samples, _RESULT_HEADER.size)
    layer_ticks = np.frombuffer(data, "<u8", 2 * layers, _RESULT_HEADER.size + records.nbytes)
    return _Result(
        outputs=records["output"].copy(),
        sample_instructions=_instructions(records["ticks"], timer_hz),
        layer_instructions=_instructions(layer_ticks.reshape(layers, 2), timer_hz),
        stack_bytes=int(stack_bytes),
    )


def _instructions(spans: npt.NDArray[np.uint64], timer_hz: int) -> npt.NDArray[np.float64]:
    """Instructions between two readings of the timer, exactly.

    Args:
        spans: ticks before and after, ``(n, 2)``.
        timer_hz: ticks per second; a tick is shorter than an instruction, so every reading belongs to one instruction:
            the first at which the timer had counted that far.
    """
    ticks_per_instruction = Fraction(timer_hz * _NS_PER_INSTRUCTION, 10**9)
    return np.array(
        [
            math.ceil(end / ticks_per_instruction) - math.ceil(begin / ticks_per_instruction)
            for begin, end in spans.tolist()
        ],
        float,
    )

"""Executed instructions of inferences in QEMU's user mode, from its log of executed blocks."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.aarch64.results import Engine, Row
from benchmarks.networks import Network
from pipeline.backends import load_backend
from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.graph.reference import execute
from pipeline.host_compiler import compile_c
from pipeline.runners.emulated_system import EmulatedSystem
from pipeline.targets import load_target

CORES = ("cortex-a72", "cortex-a76")
ENGINES: tuple[Engine, ...] = ("tvm", "onnxruntime", "litert")

#: Each engine's artefact by core. The files of ONNX Runtime and LiteRT are the same for all.
TARGETS: Mapping[tuple[Engine, str], str] = {
    ("tvm", "cortex-a72"): "raspberry-pi-4",
    ("tvm", "cortex-a76"): "raspberry-pi-5",
    **{("onnxruntime", core): "raspberry-pi-5-onnxruntime" for core in CORES},
    **{("litert", core): "raspberry-pi-4-litert" for core in CORES},
}

#: The package whose version is the engine's; its other tools are what it needs beside it.
_PACKAGES: Mapping[Engine, str] = {"tvm": "apache-tvm", "onnxruntime": "onnxruntime", "litert": "ai-edge-litert"}

_HERE = Path(__file__).parent
_REPEATS = 3
#: After the first inference, which still prepares things.
_WARM_UP = 1
_TIME_LIMIT_S = 1800
#: So that addresses are the same in every run: all of the program's memory in one reserved piece.
_RESERVED = "0x4000000000"
#: Beside the engine's own, the libraries whose instructions count; Python's and numpy's do not.
_COUNTED = ("onnxruntime", "litert", "/libc.so", "/libm.so", "/libstdc++.so", "/libgcc_s.so", "/libpthread.so")


@dataclass(frozen=True)
class Case:
    """What one row measures."""

    network: Network
    engine: Engine
    core: str

    def __str__(self) -> str:
        return f"{self.network.name} {self.core} {self.engine}"


def measure(case: Case, graph: IntegerGraph, inputs: Int8Array) -> Row:
    """Compile, count, compare the codes.

    Raises:
        SixfoldError: something cannot be fetched or built, or the emulated program failed.
    """
    target = load_target(TARGETS[case.engine, case.core])
    with tempfile.TemporaryDirectory(prefix="sixfold-") as name:
        folder = Path(name)
        artefact, images, codes = folder / "artefact", folder / "images", folder / "codes"
        artefact.mkdir()
        load_backend(target.backend).compile_graph(graph, target, artefact)
        inputs.tofile(images)
        description = read_json(artefact / "model.json")
        emulation = _Emulation.prepare(folder, case.core, description["engine"]["tools"])
        if case.engine == "tvm":
            shape = map(str, [*description["input"], description["classes"]])
            library = artefact / description["engine"]["library"]
            program = [str(artefact / "runner"), str(library), *shape, str(images), str(codes)]
            marks = emulation.count([*program, str(_WARM_UP), str(_REPEATS)], "clock_gettime", ())
        else:
            program = [emulation.python, str(_HERE / "inferences.py"), *map(str, (artefact, images, codes, _REPEATS))]
            ranges = _code_ranges(emulation.run(program))
            marks = emulation.count(program, "getppid", ranges)
        outputs = np.fromfile(codes, np.int8).reshape(len(inputs), -1)
    counts = _between(marks, str(case))
    mismatched = np.count_nonzero(outputs != execute(graph, inputs, target.reference))
    return Row(
        network=case.network.name,
        core=case.core,
        engine=case.engine,
        instructions=counts[len(counts) // 2],
        least=counts[0],
        most=counts[-1],
        macs=case.network.macs,
        mismatched=int(mismatched),
        compared=outputs.size,
        version=description["engine"]["tools"][_PACKAGES[case.engine]],
        qemu=emulation.version,
    )


def _between(marks: Sequence[int], name: str) -> list[int]:
    """Instructions between the marks before and after each timed inference, sorted."""
    wanted = 2 * (_WARM_UP + _REPEATS)
    if len(marks) != wanted:
        raise SixfoldError(f"{name}: its log has {len(marks)} marks, not {wanted}; is it another program's?")
    counts = [after - before for before, after in zip(marks[::2], marks[1::2], strict=True)]
    return sorted(counts[_WARM_UP:])


def _code_ranges(maps: str) -> tuple[str, ...]:
    """From lines ``FIRST-LAST PATH`` to the emulator's ranges, of the libraries that count."""
    found = []
    for line in maps.splitlines():
        addresses, _, path = line.partition(" ")
        if any(name in path.rpartition("site-packages")[2].lower() for name in _COUNTED):
            first, _, last = addresses.partition("-")
            found.append(f"0x{first}..0x{last}")
    return tuple(found)


@dataclass(frozen=True)
class _Emulation:
    """The emulator, ready to log to the counting program."""

    folder: Path
    command: tuple[str, ...]
    python: str
    environment: Mapping[str, str]
    counter: Path
    version: str

    @classmethod
    def prepare(cls, folder: Path, core: str, packages: Mapping[str, str]) -> "_Emulation":
        installed = [package for package in packages if not package.startswith("apache-tvm")]
        system = EmulatedSystem.fetch(installed)
        environment = {
            **system.environment(),
            # The emulator runs the program itself here, without PRoot: folders keep this computer's names.
            "PYTHONPATH": os.pathsep.join(map(str, system.wheels)),
            "PYTHONHOME": str(system.root / "usr"),
            "OPENBLAS_NUM_THREADS": "1",
            "TVM_NUM_THREADS": "1",
        }
        del environment["LD_LIBRARY_PATH"]
        command = (system.emulator[0], "-cpu", core, "-seed", "1", "-R", _RESERVED, "-L", str(system.root))
        python = str(system.root / "usr/bin/python3")
        return cls(folder, command, python, environment, compile_counter(folder), system.emulator[1])

    def run(self, program: Sequence[str], options: Sequence[str] = ()) -> str:
        """What an emulated program prints.

        Raises:
            SixfoldError: it failed.
        """
        done = subprocess.run(
            [*self.command, *options, *program],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_TIME_LIMIT_S,
            env=dict(self.environment),
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"])[-1]
            raise SixfoldError(f"{Path(program[0]).name}: the emulated program failed: {reason}")
        return done.stdout

    def count(self, program: Sequence[str], mark: str, ranges: Sequence[str]) -> list[int]:
        """Instructions executed so far at each system call `mark`; only those within `ranges`, where there are any.

        Raises:
            SixfoldError: the program failed, or its log is not understood.
        """
        pipe = self.folder / "log"
        os.mkfifo(pipe)
        # Opened for reading first, without waiting for the emulator; our own writing end keeps it open until then.
        reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        writing = os.open(pipe, os.O_WRONLY)
        os.set_blocking(reading, True)
        counter = subprocess.Popen([self.counter, mark], stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(reading)
        try:
            options = ["-d", "in_asm,exec,nochain,strace", "-D", str(pipe)]
            if ranges:
                options += ["-dfilter", ",".join(ranges)]
            self.run(program, options)
        finally:
            os.close(writing)
            printed, errors = counter.communicate()
            pipe.unlink()
        if counter.returncode:
            raise SixfoldError(f"the emulator's log: {errors.decode(errors='replace').strip()}")
        return [int(line) for line in printed.split()]


def compile_counter(folder: Path) -> Path:
    """The program that counts in the emulator's log, in `folder`."""
    return compile_c(_HERE / "count_blocks.c", folder / "count_blocks")


def measure_all(cases: Sequence[Case], load: Callable[[Network], tuple[IntegerGraph, Int8Array]]) -> list[Row]:
    """Every case, one after the other."""
    rows = []
    for case in cases:
        print(case, flush=True)
        rows.append(measure(case, *load(case.network)))
    return rows

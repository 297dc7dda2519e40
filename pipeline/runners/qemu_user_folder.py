"""Runs the whole folder of a Linux board on this computer, its processor emulated: the board's own ``run.sh``."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np

from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.graph.ir import Int8Array
from pipeline.progress import progress_bar
from pipeline.runners import RunResult
from pipeline.runners.emulated_system import EmulatedSystem, seen_as
from pipeline.targets import Target

#: An emulated inference of MobileNetV2 1.0/224 takes a second or two.
SAMPLES: int | None = 200

#: Python, the runtime and the network are loaded anew for each chunk.
_CHUNK = 50
_TIME_LIMIT_S = 1200


def run_artefact(artefact: Path, target: Target, inputs: Int8Array) -> RunResult:
    """Execute ``run.sh --codes`` under emulation on all `inputs`; there is no latency, an emulator's says nothing.

    Raises:
        SixfoldError: the emulated system cannot be fetched, the artefact is damaged, or the program failed.
    """
    description = read_json(artefact / "model.json")
    tools: dict[str, str] = description["engine"]["tools"]
    system = EmulatedSystem.fetch(tuple(tools))
    rows = []
    with progress_bar(target.name, len(inputs)) as advance:
        for start in range(0, len(inputs), _CHUNK):
            chunk = inputs[start : start + _CHUNK]
            rows.append(_run(system, artefact.resolve(), target, chunk, description["classes"]))
            advance(len(chunk))
    return RunResult(
        outputs=np.concatenate(rows),
        latency=None,
        tools={**tools, "qemu-user": system.emulator[1]},
        details={"executed_by": f"qemu-user, -cpu {target.runner.machine}"},
    )


def _run(system: EmulatedSystem, artefact: Path, target: Target, inputs: Int8Array, classes: int) -> Int8Array:
    with tempfile.TemporaryDirectory(prefix="sixfold-") as name:
        folder = Path(name)
        inputs.tofile(folder / "images")
        there, data = seen_as("artefact"), seen_as("data")
        command = system.command(str(target.runner.machine), {"artefact": artefact, "data": folder})
        command += [f"{there}/run.sh", "--codes", f"{data}/images", f"{data}/codes"]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_TIME_LIMIT_S,
                env=system.environment(),
            )
        except subprocess.TimeoutExpired as error:
            raise SixfoldError(f"{target.name}: the emulated program was not done after {_TIME_LIMIT_S} s") from error
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"])[-1]
            raise SixfoldError(f"{target.name}: the emulated program failed: {reason}")
        outputs = np.fromfile(folder / "codes", np.int8)
    if outputs.size != len(inputs) * classes:
        raise SixfoldError(f"{target.name}: the program wrote {outputs.size} codes, not {len(inputs)} x {classes}")
    return outputs.reshape(len(inputs), classes)

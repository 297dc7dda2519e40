"""Runs the whole folder of a Linux board on this computer, its processor emulated: the board's own ``run.sh``."""

from functools import partial
from pathlib import Path

from pipeline.files import read_json
from pipeline.graph.ir import Int8Array
from pipeline.runners import RunResult
from pipeline.runners.emulated_program import EmulatedProgram
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
    program = EmulatedProgram(
        target.name,
        description["classes"],
        partial(_command, system, artefact.resolve(), str(target.runner.machine)),
        chunk=_CHUNK,
        time_limit_s=_TIME_LIMIT_S,
        environment=system.environment(),
    )
    return RunResult(
        outputs=program.run(inputs),
        latency=None,
        tools={**tools, "qemu-user": system.emulator[1]},
        details={"executed_by": f"qemu-user, -cpu {target.runner.machine}"},
    )


def _command(system: EmulatedSystem, artefact: Path, cpu: str, images: Path, codes: Path) -> list[str]:
    there, data = seen_as("artefact"), seen_as("data")
    command = system.command(cpu, {"artefact": artefact, "data": images.parent})
    return [*command, f"{there}/run.sh", "--codes", f"{data}/{images.name}", f"{data}/{codes.name}"]

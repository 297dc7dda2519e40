"""What an Ethos-U artefact tells about its cost: Vela's estimate, and the sizes in the compiled file itself."""

from pathlib import Path
from typing import Any

from pipeline.backends.ethos_u import ARTEFACT, ESTIMATE
from pipeline.backends.ethos_u.compiled_file import CompiledFile, read_compiled
from pipeline.backends.ethos_u.estimate import Estimate
from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.runners import Footprint, Latency, LayerCost, RunResult
from pipeline.validation import validate


def read_artefact(artefact: Path) -> tuple[Estimate, CompiledFile]:
    """What an Ethos-U artefact holds.

    Raises:
        SixfoldError: a file is missing or damaged.
    """
    path = artefact / ARTEFACT
    estimate = validate(Estimate, read_json(artefact / ESTIMATE), str(artefact / ESTIMATE))
    try:
        return estimate, read_compiled(path.read_bytes())
    except (OSError, SixfoldError) as error:
        raise SixfoldError(f"{path}: {error}") from error


def estimated_result(artefact: Path, estimate: Estimate, compiled: CompiledFile) -> RunResult:
    """The cost of an artefact that nobody measured, for a runner to complete.

    Args:
        artefact: the folder, for the size of the file that goes to flash.
        estimate: Vela's.
        compiled: the compiled file; its arenas are the memory that an inference needs on the NPU's side.

    Returns:
        No outputs yet. Operators that are left to the CPU are a violation, by name.
    """
    milliseconds = 1e3 / estimate.clock_hz
    where = f"Vela, {estimate.accelerator} at {estimate.clock_hz / 1e6:g} MHz, {estimate.system_config}"
    latency = Latency(
        kind="estimated",
        unit="ms",
        value=estimate.ms,
        repeats=1,
        where=f"{where}, {estimate.memory_mode}",
        layers=tuple(LayerCost(op.name, op.cycles * milliseconds, op.macs) for op in estimate.operators),
    )
    npu: dict[str, Any] = {
        "operators": len(estimate.operators),
        "share": estimate.npu_share,
        "on_cpu": [operator.name for operator in estimate.on_cpu],
        "cycles": estimate.cycles,
        "compute_cycles": estimate.compute_cycles,
        "sram_bytes": estimate.sram_bytes,
        "arena_limit": estimate.arena_limit,
    }
    return RunResult(
        outputs=None,
        latency=latency,
        footprint=Footprint(flash_bytes=(artefact / ARTEFACT).stat().st_size, ram_bytes=sum(compiled.arena_bytes)),
        tools={"ethos-u-vela": estimate.vela},
        details={"npu": npu},
        violations=_violations(estimate),
    )


def _violations(estimate: Estimate) -> tuple[str, ...]:
    if not estimate.on_cpu:
        return ()
    names = ", ".join(f"{operator.name} ({operator.kind})" for operator in estimate.on_cpu)
    return (f"{len(estimate.on_cpu)} of {len(estimate.operators)} operators are left to the CPU: {names}",)

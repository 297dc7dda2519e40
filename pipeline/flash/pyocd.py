"""Programmer `pyocd`: CMSIS-DAP, ST-LINK and J-Link probes, without configuration files."""

import re

from pipeline.errors import SixfoldError
from pipeline.flash import Job, Plan
from pipeline.flash.cores import CPUID, check_core
from pipeline.flash.tools import Ran, folder_of, run
from pipeline.progress import progress_bar

PYOCD = "pyocd"

_GET = "install it in an environment of its own (`pipx install pyocd`)"
_ERROR_LINES = (r"^\d+ [EC] ", r"^Error: ", r"No connected debug probes")


def plan(job: Job) -> Plan:
    """Read which core it is, write, read back segment by segment, reset."""
    files = {f"{segment.address:08x}.bin": segment.data for segment in job.image.segments}
    compare = [part for name in files for part in ("-c", f"compare 0x{name[:8]} {name}")]
    return Plan(
        files=files,
        commands=(
            (*_start("commander", job), "-c", f"read32 {CPUID:#x}"),
            (*_start("load", job), "--no-reset", str(job.image.elf)),
            (*_start("commander", job), *compare),
            _start("reset", job),
        ),
    )


def write(job: Job) -> str:
    """Each command only if the one before did its part."""
    todo = plan(job)
    identify, load, compare, reset = todo.commands
    with folder_of(todo) as folder, progress_bar("flashing", len(todo.commands)) as advance:
        _check_identity(run(identify, folder, _GET), job)
        advance(1)
        _require(run(load, folder, _GET), "writing broke off", "the board may hold half a firmware; flash it again")
        advance(1)
        compared = run(compare, folder, _GET)
        if mismatch := re.search(r"Mismatched byte at (0x[0-9a-f]+)", compared.output):
            raise SixfoldError(
                f"{PYOCD}: verification failed: the board does not hold what was written, first at {mismatch[1]}; "
                "flash it again"
            )
        _require(compared, "verification broke off", "flash it again")
        if len(re.findall(r"All \d+ bytes match", compared.output)) != len(job.image.segments):
            raise SixfoldError(f"{PYOCD}: verification broke off ({compared.last()}); flash it again")
        advance(1)
        _require(run(reset, folder, _GET), "written and verified, but not started", "reset the board")
    return f"{job.image.size} bytes read back and equal"


def _start(command: str, job: Job) -> tuple[str, ...]:
    probe = ("-u", job.probe) if job.probe else ()
    return (PYOCD, command, "-W", "-t", str(job.spec.chip), *probe)


def _require(ran: Ran, problem: str, advice: str) -> None:
    if ran.code != 0:
        raise SixfoldError(f"{PYOCD}: {problem} ({ran.last(*_ERROR_LINES)}); {advice}")


def _check_identity(ran: Ran, job: Job) -> None:
    read = re.search(rf"^{CPUID:08x}:\s+([0-9a-f]{{8}})\b", ran.output, flags=re.MULTILINE)
    if read is not None:
        check_core(int(read[1], 16), job.target.core, PYOCD)
    elif ran.said(r"No connected debug probes", r"[Nn]o (?:available )?debug probe"):
        raise SixfoldError(f"{PYOCD}: no board found (no debug probe is connected): is it plugged in?")
    elif ran.said(r"[Tt]arget type '?\S+'? (?:is )?not recognized"):
        raise SixfoldError(
            f"targets/{job.target.name}.yaml: flash.chip: pyOCD does not know {job.spec.chip}; "
            f"`{PYOCD} pack install {job.spec.chip}` may add it"
        )
    else:
        raise SixfoldError(f"{PYOCD}: the board cannot be read ({ran.last(*_ERROR_LINES)}); nothing was written")

"""Programmer `openocd`: any probe and chip that OpenOCD has configuration files for."""

import re

from pipeline.errors import SixfoldError
from pipeline.flash import Job, Plan
from pipeline.flash.cores import CPUID, check_core
from pipeline.flash.tools import Ran, folder_of, run
from pipeline.progress import progress_bar

OPENOCD = "openocd"

_GET = "install it with your package manager (Debian: apt-get install openocd)"
_NO_BOARD = (
    r"open failed",
    r"[Nn]o device found",
    r"unable to find a matching",
    r"unable to open",
    r"libusb_open\(\) failed",
    r"init mode failed",
    r"cannot find",
)
#: What OpenOCD says when it has written, and when it has compared.
_MILESTONES = ("** Programming Finished **", "** Verified OK **")
_ERROR_LINES = (r"^Error: ", r"^\*\* .*(?:Failed|failed|Unable).* \*\*")


def plan(job: Job) -> Plan:
    """One call that reads which core it is, one that writes, verifies and starts."""
    return Plan(
        commands=(
            (*_start(job), "-c", "init", "-c", f"mdw {CPUID:#x}", "-c", "shutdown"),
            (*_start(job), "-c", f"program {_quoted(str(job.image.elf))} verify reset exit"),
        )
    )


def write(job: Job) -> str:
    """Check the core, then let OpenOCD's own `program` do the rest."""
    todo = plan(job)
    with folder_of(todo) as folder, progress_bar("flashing", 1 + len(_MILESTONES)) as advance:
        identified = run(todo.commands[0], folder, _GET)
        _check_identity(identified, job)
        advance(1)
        ran = run(todo.commands[1], folder, _GET, lambda line: advance(line.startswith(_MILESTONES)))
    if ran.said(r"\*\* Verify Failed \*\*"):
        raise SixfoldError(
            f"{OPENOCD}: verification failed: the board does not hold what was written "
            f"({ran.last(*_ERROR_LINES[:1])}); flash it again"
        )
    if ran.code != 0 or not ran.said(r"\*\* Verified OK \*\*"):
        raise SixfoldError(
            f"{OPENOCD}: writing broke off ({ran.last(*_ERROR_LINES)}): the board may hold half a firmware; flash it "
            "again"
        )
    return "read back by OpenOCD"


def _start(job: Job) -> tuple[str, ...]:
    probe = ("-c", f"adapter serial {_quoted(job.probe)}") if job.probe else ()
    return (OPENOCD, *(part for file in job.spec.config or [] for part in ("-f", file)), *probe)


def _quoted(text: str) -> str:
    """A word of Tcl that means exactly `text`."""
    if re.search(r"[{}\\\n]", text):
        raise SixfoldError(f"{text!r}: OpenOCD cannot be given a name with braces, backslashes or line breaks")
    return f"{{{text}}}"


def _check_identity(ran: Ran, job: Job) -> None:
    read = re.search(rf"^{CPUID:#x}: ([0-9a-f]{{8}})", ran.output, flags=re.MULTILINE)
    if read is not None:
        check_core(int(read[1], 16), job.target.core, OPENOCD)
    elif ran.said(r"Can't find \S+"):
        raise SixfoldError(
            f"targets/{job.target.name}.yaml: flash.config: {ran.last(r'find')}; this OpenOCD has no such file"
        )
    elif ran.said(r"UNEXPECTED", r"expected 1 of 1"):
        raise SixfoldError(f"{OPENOCD}: wrong chip ({ran.last(*_ERROR_LINES)}); nothing was written")
    elif ran.said(*_NO_BOARD):
        raise SixfoldError(
            f"{OPENOCD}: no board found ({ran.last(*_ERROR_LINES)}): is it plugged in, and may you use its probe?"
        )
    else:
        raise SixfoldError(f"{OPENOCD}: the board cannot be read ({ran.last(*_ERROR_LINES)}); nothing was written")

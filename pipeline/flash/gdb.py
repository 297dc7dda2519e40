"""Programmer `gdb`: any GDB server, such as QEMU's, OpenOCD's, pyOCD's or a J-Link's.

GDB does it with two short scripts, which `--dry-run` prints. What they print after ``sixfold:`` says how far they came.
They leave by `disconnect` on every way that is not the good one: GDB would otherwise end what it
debugs, which for an emulator is the emulator.
"""

import re
from collections.abc import Callable

from pipeline.errors import SixfoldError
from pipeline.flash import Job, Plan
from pipeline.flash.cores import CPUID, PART_NUMBERS, check_core
from pipeline.flash.tools import Ran, folder_of, run
from pipeline.progress import progress_bar

GDB = "gdb-multiarch"

_GET = "run `make setup`, which installs it"
#: A stub that is there answers in milliseconds; erasing a sector takes at most a few seconds.
_ANSWER_S = 10
_THREAD_MODE = 0x01000000  # xPSR: Thumb, no exception, no IT block


def plan(job: Job) -> Plan:
    """One script that writes and compares, one that starts the core."""
    return Plan(
        files={"flash.gdb": _flash_script(job), "start.gdb": _start_script(job)},
        # The last command is for scripts that broke off; after a good one there is nothing to disconnect.
        commands=tuple(
            (GDB, "-nx", "-batch", "-x", script, "-ex", "disconnect", str(job.image.elf))
            for script in ("flash.gdb", "start.gdb")
        ),
    )


def write(job: Job) -> str:
    """Load, compare section by section, and start only what is equal."""
    todo = plan(job)
    flash, start = todo.commands
    with folder_of(todo) as folder:
        # Every section is written, then every section is read back.
        with progress_bar("writing and reading back", 2 * sum(job.image.sections.values())) as advance:
            _judge(run(flash, folder, _GET, _bytes(job, advance)), job)
        started = run(start, folder, _GET)
    if not started.said("sixfold: started"):
        raise SixfoldError(
            f"{_server(job)}: {job.image.elf.name} is written and verified, but not started ({_problem(started)}); "
            "reset the board"
        )
    return f"{len(job.image.sections)} sections read back and equal"


def _bytes(job: Job, advance: Callable[[float], None]) -> Callable[[str], None]:
    """Advance by a section's bytes when GDB begins the next one, has loaded all, or says how a comparison ended."""
    begun = 0

    def heard(line: str) -> None:
        nonlocal begun
        loading = re.match(r"Loading section (\S+),", line)
        compared = re.match(r"Section (\S+), range .*: ", line)
        if loading is not None or line.startswith("Start address "):
            advance(begun)
            begun = job.image.sections.get(loading[1], 0) if loading is not None else 0
        elif compared is not None:
            advance(job.image.sections.get(compared[1], 0))

    return heard


def _server(job: Job) -> str:
    server = job.server or job.spec.server
    if server is None:
        raise SixfoldError(f"targets/{job.target.name}.yaml: flash.server: not set; add it or give --server HOST:PORT")
    if re.fullmatch(r"[A-Za-z0-9.\-]+:\d{1,5}", server) is None:
        raise SixfoldError(f"--server {server}: is not HOST:PORT")
    return server


def _connect(job: Job) -> list[str]:
    reset = [f"monitor {job.spec.reset}"] if job.spec.reset else []
    return [
        "set confirm off",
        "set pagination off",
        "set width 0",
        "set tcp auto-retry off",
        f"set remotetimeout {_ANSWER_S}",
        f"target extended-remote {_server(job)}",
        "echo sixfold: connected\\n",
        *reset,
    ]


def _flash_script(job: Job) -> str:
    return _text(
        *_connect(job),
        f"set $cpuid = *(unsigned int *) {CPUID:#x}",
        'printf "sixfold: cpuid %08x\\n", $cpuid',
        f"if (($cpuid >> 4) & 0xfff) != {PART_NUMBERS[job.target.core]:#x}",
        "  disconnect",
        "  quit 3",
        "end",
        "load",
        "echo sixfold: loaded\\n",
        "compare-sections",
        "echo sixfold: compared\\n",
    )


def _start_script(job: Job) -> str:
    vectors = job.image.vectors
    # Without a command that resets, the core is put where a reset would put it.
    place = [
        f"set $xpsr = {_THREAD_MODE:#x}",
        f"set $sp = *(unsigned int *) {vectors:#x}",
        f"set $pc = *(unsigned int *) {vectors + 4:#x} & ~1",
    ]
    return _text(*_connect(job), *([] if job.spec.reset else place), "detach", "echo sixfold: started\\n")


def _text(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def _problem(ran: Ran) -> str:
    return ran.last(r"\d+: Error", r"refused|closed|reset by peer|[Tt]imed out|[Tt]imeout|error|[Cc]annot|[Ff]ailed")


def _judge(ran: Ran, job: Job) -> None:
    server, name = _server(job), job.image.elf.name
    told = _problem(ran)
    if not ran.said(r"sixfold: connected"):
        raise SixfoldError(f"{server}: no board found there: no GDB server answers ({told})")
    identified = re.search(r"sixfold: cpuid ([0-9a-f]{8})", ran.output)
    if identified is None:
        raise SixfoldError(f"{server}: the board's memory cannot be read ({told}); nothing was written")
    check_core(int(identified[1], 16), job.target.core, server)
    if not ran.said("sixfold: loaded"):
        raise SixfoldError(f"{server}: writing broke off ({told}): the board holds half a firmware; flash it again")
    compared = dict(re.findall(r"^Section (\S+), range .*: (\S+)$", ran.output, flags=re.MULTILINE))
    different = [section for section in job.image.sections if compared.get(section) == "MIS-MATCHED!"]
    if different:
        raise SixfoldError(
            f"{server}: verification failed: {', '.join(different)} on the board are not those of {name}; flash it "
            "again, and if that does not help, the board's memory is not what the target's file says"
        )
    if any(compared.get(section) != "matched." for section in job.image.sections):
        raise SixfoldError(f"{server}: verification broke off ({told}); flash it again")

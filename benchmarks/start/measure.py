"""The clock and the processor's time, from the start of a process to its end."""

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.start import probe
from benchmarks.start.cases import Case, cases, make_project
from benchmarks.start.results import CaseRow, Results
from pipeline.errors import SixfoldError
from pipeline.runners.host import cpu_name


@dataclass(frozen=True)
class Started:
    """How one start went.

    Attributes:
        wall_s: from the start of the process to its end.
        cpu_s: of the processor, in user and system mode, child processes included.
        imported: modules that were loaded by then; empty if nobody asked.
    """

    wall_s: float
    cpu_s: float
    imported: frozenset[str] = frozenset()


def start(case: Case, project: Path, imported: Path | None = None) -> Started:
    """Start `sixfold` once.

    Args:
        case: what is started.
        project: of :func:`make_project`, built as the case has it.
        imported: a file for the names of the modules, if they are wanted.

    Raises:
        SixfoldError: it did not end as the case should, so that its time would be that of something else.
    """
    at_work = str(project / case.work) if case.work else ""
    # -P: the program's own folder is no place to import from.
    command = [sys.executable, "-P", probe.__file__, at_work, str(imported or ""), *case.arguments]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command,
        cwd=project,
        env={**os.environ, **case.variables},
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    _check_end(case, done)
    names = frozenset(imported.read_text(encoding="utf-8").split("\n")) if imported else frozenset()
    return Started(wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, names)


def _check_end(case: Case, done: "subprocess.CompletedProcess[str]") -> None:
    if case.kind == "refusal":
        good = done.returncode == 2 and "rror: " in done.stderr
    elif case.work:
        good = done.returncode == probe.BEGUN
    elif case.kind == "work":
        # `doctor` has done its work too where a tool is missing, and says so.
        good = done.returncode in (0, 1) and bool(done.stdout)
    else:
        good = done.returncode == 0 and bool(done.stdout)
    if not good:
        said = done.stderr.strip().rpartition("\n")[2] or "nothing on standard error"
        raise SixfoldError(f"{case}: {case.kind}: ended with {done.returncode}: {said}")


def measure_all(repeats: int, tell: Callable[[str], None]) -> Results:
    """The least of `repeats` starts of each case, after one that fills the caches.

    The least, because whatever else this computer does only ever adds to it. The cases take turns, so that a computer
    that is busy for a while is not busy for all starts of one of them.

    Raises:
        SixfoldError: a command does not start as it should.
    """
    found: dict[Case, list[Started]] = {case: [] for case in cases()}
    for turn in range(repeats + 1):
        tell(f"{len(found)} command lines, {'to fill the caches' if turn == 0 else f'{turn} of {repeats}'}")
        for case, starts in found.items():
            # A new project each time: a command that comes to its end may write into it.
            with tempfile.TemporaryDirectory() as folder:
                started = start(case, make_project(Path(folder).resolve(), case.built))
            if turn > 0:
                starts.append(started)
    return Results(
        repeats=repeats,
        where=f"{cpu_name()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        rows=tuple(
            CaseRow(
                command=case.command,
                kind=case.kind,
                line=str(case),
                wall_s=min(one.wall_s for one in starts),
                cpu_s=min(one.cpu_s for one in starts),
            )
            for case, starts in found.items()
        ),
    )

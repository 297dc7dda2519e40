"""How long each command of `sixfold` takes to answer: ``python -m benchmarks.start [REPEATS] [--json]``.

On this computer, the files in its cache; the least of several runs, because whatever else runs only ever adds to it:
wall clock, and the processor's time, which a computer that is busy with other things lengthens less. What the commands
import is tested (tests/cli/test_start.py), so that a slow import is found on any machine.
"""

import json
import resource
import subprocess
import sys
import time

from pipeline.cli.app import COMMANDS
from pipeline.errors import SixfoldError, exits_cleanly
from pipeline.report.console import console, table

REPEATS = 5

#: Commands that do no work of their own, or end before it: what is left is the start.
ANSWERS = (
    ("--help",),
    *((name, "--help") for name in COMMANDS),
    ("targets",),
    ("doctor",),
    ("build", "no-such-target"),
    ("verify", "no-such-target"),
    ("run", "no-such-target", "image.png"),
    ("diff", "no-such-target"),
    ("flash", "no-such-target"),
)


def least_seconds(arguments: tuple[str, ...], repeats: int) -> tuple[float, float]:
    """Seconds of the fastest of `repeats` runs: wall clock, and processor in user and system mode together."""
    times = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wall = time.perf_counter() - begin
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append((wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime))
    return min(wall for wall, _ in times), min(processor for _, processor in times)


@exits_cleanly
def main() -> None:
    """Print a table, or with ``--json`` seconds by command."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--json"]
    if len(arguments) > 1 or not all(argument.isdecimal() and int(argument) for argument in arguments):
        raise SixfoldError("usage: python -m benchmarks.start [REPEATS] [--json]")
    repeats = int(arguments[0]) if arguments else REPEATS
    found = {" ".join(answer): least_seconds(answer, repeats) for answer in ANSWERS}
    if "--json" in sys.argv:
        print(json.dumps({name: {"wall_s": wall, "cpu_s": cpu} for name, (wall, cpu) in found.items()}, indent=2))
        return
    listing = table("sixfold ...", f"seconds, least of {repeats}", "of the processor")
    for name, (wall, processor) in found.items():
        listing.add_row(name, f"{wall:.2f}", f"{processor:.2f}")
    console().print(listing)


if __name__ == "__main__":
    main()

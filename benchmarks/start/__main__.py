"""``python -m benchmarks.start [REPEATS]``: reports/start.json and the tables in docs/start.md."""

import sys

from benchmarks.start.measure import measure_all
from benchmarks.start.results import LIMIT_S, RESULTS_FILE, start_table, update_docs
from pipeline.errors import GateFailedError, SixfoldError, exits_cleanly
from pipeline.files import write_json

#: Starts of each command line. Fewer are for a look, and leave the documentation as it is.
REPEATS = 15


@exits_cleanly
def main() -> None:
    """Entry point: 0 good, 1 a start is too slow, 2 wrong usage or a command that does not start."""
    arguments = sys.argv[1:]
    if len(arguments) > 1 or not all(argument.isdecimal() and int(argument) for argument in arguments):
        raise SixfoldError("usage: python -m benchmarks.start [REPEATS]")
    repeats = int(arguments[0]) if arguments else REPEATS
    results = measure_all(repeats, lambda text: print(text, file=sys.stderr, flush=True))
    write_json(RESULTS_FILE, results.model_dump(mode="json"))
    if repeats >= REPEATS:
        update_docs(results)
    print(start_table(results), end="")
    if slow := results.too_slow:
        lines = "; ".join(f"{row.line}: {row.wall_s:.2f} s, {row.cpu_s:.2f} s of the processor" for row in slow)
        raise GateFailedError(f"not below {LIMIT_S} s: {lines}")


if __name__ == "__main__":
    main()

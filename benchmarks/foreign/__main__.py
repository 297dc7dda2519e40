"""``python -m benchmarks.foreign``: reports/foreign.json and the table in docs/import.md."""

import sys

from benchmarks.foreign.measure import run
from benchmarks.foreign.results import RESULTS_FILE, update_docs
from pipeline.errors import SixfoldError, exits_cleanly
from pipeline.files import write_json


@exits_cleanly
def main() -> None:
    """Entry point: 0 good, 2 wrong usage, or a file cannot be had or imported."""
    if len(sys.argv) > 1:
        raise SixfoldError("usage: python -m benchmarks.foreign")
    results = run(lambda text: print(text, file=sys.stderr, flush=True))
    write_json(RESULTS_FILE, results.model_dump(mode="json"))
    update_docs(results)


if __name__ == "__main__":
    main()

"""``python -m benchmarks.verified FOLDER...``: reports/verified.json and its table in docs/raspberry-pi.md."""

import sys
from pathlib import Path

from benchmarks.verified.collect import collect
from benchmarks.verified.results import RESULTS_FILE, update_docs
from pipeline.errors import GateFailedError, SixfoldError, exits_cleanly
from pipeline.files import write_json


@exits_cleanly
def main() -> None:
    """Entry point: 0 good, 1 a code differs from its reference, 2 wrong usage or a report cannot be used."""
    if len(sys.argv) < 2:
        raise SixfoldError("usage: python -m benchmarks.verified FOLDER..., each with one network's models and reports")
    results = collect([Path(name) for name in sys.argv[1:]])
    write_json(RESULTS_FILE, results.model_dump(mode="json"))
    update_docs(results)
    for row in results.rows:
        found = f"{row.mismatched} of {row.elements} codes differ, {row.samples} images"
        print(f"{row.network} {row.target}: {found}")
    if any(row.mismatched for row in results.rows):
        raise GateFailedError(f"codes differ from their reference, see {RESULTS_FILE}")


if __name__ == "__main__":
    main()

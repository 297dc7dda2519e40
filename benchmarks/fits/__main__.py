"""``python -m benchmarks.fits``: reports/fits.json and the table in docs/boards.md."""

import sys

from benchmarks.fits.measure import measure_all
from benchmarks.fits.results import RESULTS_FILE, fits_table, update_docs
from pipeline.errors import SixfoldError, exits_cleanly
from pipeline.files import write_json


@exits_cleanly
def main() -> None:
    """Entry point: 0 good, 2 wrong usage or something is missing."""
    if len(sys.argv) > 1:
        raise SixfoldError("usage: python -m benchmarks.fits")
    results = measure_all(lambda text: print(text, file=sys.stderr, flush=True))
    write_json(RESULTS_FILE, results.model_dump(mode="json"))
    update_docs(results)
    print(fits_table(results), end="")


if __name__ == "__main__":
    main()

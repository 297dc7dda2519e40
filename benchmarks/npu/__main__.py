"""``python -m benchmarks.npu``: reports/npu.json and the tables in docs/ethos-u.md."""

import sys

from benchmarks.npu.measure import run
from benchmarks.npu.results import RESULTS_FILE, update_docs
from pipeline.errors import SixfoldError, exits_cleanly
from pipeline.files import write_json


@exits_cleanly
def main() -> None:
    """Entry point: 0 good, 2 wrong usage, or Vela refused something."""
    if len(sys.argv) > 1:
        raise SixfoldError("usage: python -m benchmarks.npu")
    results = run(lambda text: print(text, file=sys.stderr, flush=True))
    write_json(RESULTS_FILE, results.model_dump(mode="json"))
    update_docs(results)
    for row in results.targets:
        print(f"{row.network} {row.target}: {row.cost.ms:.3f} ms, {row.cost.sram_bytes} bytes of SRAM, estimated")


if __name__ == "__main__":
    main()

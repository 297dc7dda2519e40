"""``python -m benchmarks.profile [NETWORK]...``: reports/profile.json and the tables in docs/profile.md."""

import sys

from benchmarks.profile.measure import cases, measure_all
from benchmarks.profile.results import DOCS_FILE, RESULTS_FILE, Results, update_docs
from pipeline.errors import SixfoldError, exits_cleanly
from pipeline.files import write_json


@exits_cleanly
def main() -> None:
    """Entry point: 0 good, 2 wrong usage or something is missing."""
    known = list(dict.fromkeys(case.network.name for case in cases()))
    unknown = [name for name in sys.argv[1:] if name not in known]
    if unknown:
        raise SixfoldError(f"usage: python -m benchmarks.profile [NETWORK]..., of {', '.join(known)}; not {unknown[0]}")
    chosen = cases(sys.argv[1:] or known)
    results = Results(rows=tuple(measure_all(chosen)))
    write_json(RESULTS_FILE, results.model_dump(mode="json"))
    if chosen == cases():
        update_docs(results)
    else:
        print(f"{DOCS_FILE}: left as it is, because only a part was measured", file=sys.stderr)
    for row in results.rows:
        print(f"{row.network} {row.core} {row.kernels} {row.input}: {row.profile.instructions} instructions")


if __name__ == "__main__":
    main()

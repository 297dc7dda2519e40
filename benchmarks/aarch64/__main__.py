"""``python -m benchmarks.aarch64 [ENGINE]...``: reports/aarch64.json and the table in docs/raspberry-pi.md."""

import sys
from functools import cache

from benchmarks.aarch64.measure import CORES, ENGINES, Case, measure_all
from benchmarks.aarch64.results import RESULTS_FILE, Results, update_docs
from benchmarks.graphs import integer_graph, measured_inputs
from benchmarks.networks import NETWORKS, Network
from pipeline.errors import GateFailedError, SixfoldError, exits_cleanly
from pipeline.files import write_json
from pipeline.graph.ir import Int8Array, IntegerGraph

#: A larger network's log has ten times as many lines and says the same.
_NETWORK = "mbv2-035-96"
_SAMPLES = 2


@cache
def _load(network: Network) -> tuple[IntegerGraph, Int8Array]:
    graph = integer_graph(network)
    return graph, measured_inputs(network, graph, _SAMPLES)


@exits_cleanly
def main() -> None:
    """Entry point: 0 good, 1 a code differs from its reference, 2 wrong usage or something is missing."""
    unknown = sorted(set(sys.argv[1:]) - set(ENGINES))
    if unknown:
        raise SixfoldError(
            f"usage: python -m benchmarks.aarch64 [ENGINE]..., of {', '.join(ENGINES)}; not {unknown[0]}"
        )
    chosen = [engine for engine in ENGINES if engine in sys.argv[1:] or len(sys.argv) == 1]
    cases = [Case(NETWORKS[_NETWORK], engine, core) for core in CORES for engine in chosen]
    results = Results(rows=tuple(measure_all(cases, _load)))
    write_json(RESULTS_FILE, results.model_dump(mode="json"))
    update_docs(results)
    for row in results.rows:
        print(f"{row.network} {row.core} {row.engine}: {row.instructions} instructions, {row.mismatched} codes differ")
    if any(row.mismatched for row in results.rows):
        raise GateFailedError(f"codes differ from their reference, see {RESULTS_FILE}")


if __name__ == "__main__":
    main()

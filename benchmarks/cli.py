"""The arguments of ``python -m benchmarks`` and nothing else."""
# What needs torch is imported when it is used: `--help` and `--docs-only` answer at once.
# ruff: noqa: PLC0415

import sys
from typing import Annotated

import typer

from benchmarks.docs import DOCS_FILE, update_docs
from benchmarks.results import RESULTS_FILE, read_results, write_results
from pipeline.errors import GateFailedError, SixfoldError, exits_cleanly

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(
    epilog="Exit codes: 0 good, 1 a row failed or differs from its reference, 2 wrong usage or input. "
    "Run it in the repository's root."
)
def benchmarks(
    network: Annotated[list[str] | None, typer.Option(help="Only this network; may be repeated.")] = None,
    core: Annotated[list[str] | None, typer.Option(help="Only emulated boards of this core; may be repeated.")] = None,
    no_host: Annotated[bool, typer.Option("--no-host", help="Leave out wall-clock times on this computer.")] = False,
    list_only: Annotated[bool, typer.Option("--list", help="Print what would be measured, and stop.")] = False,
    docs_only: Annotated[
        bool, typer.Option("--docs-only", help="Make the tables again from the last results, and stop.")
    ] = False,
) -> None:
    """Measure inference on emulated boards and on this computer.

    Writes reports/bench.json, which always holds exactly one run. The tables in docs/benchmarks.md are made again
    when nothing was left out and nothing failed.
    """
    if docs_only:
        if network or core or no_host or list_only:
            raise SixfoldError("--docs-only: measures nothing, so it takes no other option")
        update_docs(read_results())
        return
    from benchmarks.suite import make_plan, run

    plan = make_plan(network or (), core or (), host=not no_host)
    if list_only:
        for case in (*plan.boards, *plan.host):
            print(case)
        return
    results, problems = run(plan, lambda text: print(text, file=sys.stderr, flush=True))
    write_results(results)
    if problems:
        raise GateFailedError(f"{len(problems)} of the rows, see above; the others are in {RESULTS_FILE}")
    if plan.is_complete:
        update_docs(results)
    else:
        print(f"{DOCS_FILE}: left as it is, because only a part was measured", file=sys.stderr)
    for row in results.boards:
        print(f"{row.network} {row.core} {row.kernels} {row.input}: {row.instructions} instructions")
    for timed in results.host:
        print(f"{timed.network} {timed.runtime}: {timed.ms:.3g} ms, {timed.ratio:.2f} times the fastest")


@exits_cleanly
def main() -> None:
    """Entry point: 0 good, 1 a row failed, 2 wrong usage or input, 130 interrupted."""
    app(prog_name="python -m benchmarks")

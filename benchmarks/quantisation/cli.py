"""The arguments of ``python -m benchmarks.quantisation`` and nothing else."""
# What needs torch is imported when it is used: `--help` and `--docs-only` answer at once.
# ruff: noqa: PLC0415

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.quantisation.docs import DOCS_FILE, update_docs
from benchmarks.quantisation.results import RESULTS_FILE, read_results, write_results
from pipeline.errors import SixfoldError, exits_cleanly

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(epilog="Exit codes: 0 good, 2 wrong usage or input. Run it in the repository's root.")
def quantisation(
    data: Annotated[
        Path | None, typer.Option(help="Folder with calibration/ and test/, class folders named by index inside.")
    ] = None,
    ablation: Annotated[bool, typer.Option("--ablation", help="Also measure what each method is worth.")] = False,
    curve: Annotated[bool, typer.Option("--curve", help="Also measure with fewer images, down to none.")] = False,
    list_only: Annotated[bool, typer.Option("--list", help="Print what would be measured, and stop.")] = False,
    docs_only: Annotated[
        bool, typer.Option("--docs-only", help="Make the tables again from the last results, and stop.")
    ] = False,
) -> None:
    """Compare our quantisation with others' on the packaged ImageNet weights and your photographs.

    Writes reports/quantisation.json. The tables in docs/quantisation.md are made again when it was run with both
    --ablation and --curve. What is finished is kept in build/quantisation: run it again after an interruption.
    """
    if docs_only:
        if data or ablation or curve or list_only:
            raise SixfoldError("--docs-only: measures nothing, so it takes no other option")
        update_docs(read_results())
        return
    if data is None:
        raise SixfoldError("--data FOLDER: missing; a folder with calibration/ and test/, see docs/imagenet.md")
    from benchmarks.quantisation.problem import imagenet_problem
    from benchmarks.quantisation.suite import Parts, planned, run

    parts = Parts(ablation, curve)
    problem = imagenet_problem(data)
    if list_only:
        for table, method in planned(problem, parts):
            print(f"{table}: {method.name} ({method.images} images)")
        return
    results = run(problem, parts, lambda text: print(text, file=sys.stderr, flush=True))
    write_results(results)
    if parts.is_complete:
        update_docs(results)
    else:
        print(f"{DOCS_FILE}: left as it is, because only a part was measured", file=sys.stderr)
    print(f"{RESULTS_FILE}: {len(results.rows)} rows, {len(results.missing)} methods could not be run")


@exits_cleanly
def main() -> None:
    """Entry point: 0 good, 2 wrong usage or input, 130 interrupted."""
    app(prog_name="python -m benchmarks.quantisation")

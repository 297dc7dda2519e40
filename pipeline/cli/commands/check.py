"""`sixfold check`."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.arguments import Json, complete_target

EXAMPLES = (
    "sixfold check",
    'sixfold check --junit gate.xml --summary "$GITHUB_STEP_SUMMARY"',
    "sixfold check mps2-an386 --update",
)


def command(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]...",
            help="Names of files in targets/, without .yaml; else all that are enabled.",
            autocompletion=complete_target,
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Accept what the reports say now: write the baselines, print what changes.")
    ] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write JUnit XML.")] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also append Markdown, for $GITHUB_STEP_SUMMARY.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the last verification with what was accepted before.

    Compares reports/ with the committed baselines/, names what changed and the likely cause; exit code 1 if something
    got worse.
    """
    from pipeline.cli.check import check
    from pipeline.cli.check import update as accept

    if update and (junit is not None or summary is not None):
        raise typer.BadParameter("--junit and --summary are for a comparison, not for --update")
    if update:
        accept(targets or (), as_json)
    else:
        check(targets or (), junit, summary, as_json)

"""`sixfold report`."""

from typing import Annotated

import typer

from pipeline.cli.arguments import Json

EXAMPLES = ("sixfold report", "sixfold report --all --update-readme", "sixfold report --json")


def command(
    every: Annotated[bool, typer.Option("--all", help="Report on every target in targets/, enabled or not.")] = False,
    update_readme: Annotated[
        bool, typer.Option("--update-readme", help="Also rewrite the table of targets in README.md.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print what was verified and write site/index.html."""
    from pipeline.cli.report import report

    report(every, update_readme, as_json)

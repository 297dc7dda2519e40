"""`sixfold report`."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = ("sixfold report", "sixfold report --all --update-readme")


def command(
    every: Annotated[bool, typer.Option("--all", help="Report on every target in targets/, enabled or not.")] = False,
    update_readme: Annotated[
        bool, typer.Option("--update-readme", help="Also rewrite the table of targets in README.md.")
    ] = False,
) -> None:
    """Print what was verified and write site/index.html."""
    from pipeline.report.readme import update_readme as write_table
    from pipeline.stages.report import write_report

    inputs = write_report(every_target=every)
    if update_readme:
        write_table(Path("README.md"), inputs)

"""`sixfold targets`."""

from typing import Annotated

import typer

from pipeline.cli.arguments import Json, complete_target

EXAMPLES = (
    "sixfold targets",
    "sixfold targets --params raspberry-pi-4",
)


def command(
    as_json: Json = False,
    params: Annotated[
        str | None,
        typer.Option(
            "--params",
            metavar="NAME",
            help="Print the lines that enable target NAME in params.yaml.",
            autocompletion=complete_target,
        ),
    ] = None,
) -> None:
    """List every board and host, and how each did last."""
    from pipeline.cli.targets import print_params_lines, print_targets

    if params is not None:
        print_params_lines(params)
    else:
        print_targets(as_json)

"""`sixfold targets`."""

from enum import StrEnum
from typing import Annotated

import typer

from pipeline.cli.arguments import Json, complete_target

EXAMPLES = (
    "sixfold targets",
    "sixfold targets --core cortex-m4 --status passed",
    "sixfold targets --backend cortex-m --enabled --json",
    "sixfold targets --params raspberry-pi-4",
)


class Status(StrEnum):
    """How the last verification ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "not-verified"


def command(
    core: Annotated[str | None, typer.Option(help="Only this core, such as cortex-m4.")] = None,
    backend: Annotated[str | None, typer.Option(help="Only this backend, such as cortex-m.")] = None,
    enabled: Annotated[bool, typer.Option("--enabled", help="Only what params.yaml enables.")] = False,
    status: Annotated[Status | None, typer.Option(help="Only those whose last verification ended so.")] = None,
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
    from pipeline.cli.targets import Wanted, print_params_lines, print_targets

    if params is not None:
        print_params_lines(params)
    else:
        print_targets(as_json, Wanted(core, backend, enabled, status.value if status else None))

"""`sixfold verify`."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.arguments import Json, TargetName

EXAMPLES = (
    "sixfold verify mps2-an386",
    "sixfold verify nucleo-f446re --port /dev/ttyACM0",
    "sixfold verify host-tvm --data photos/test --json",
)


def command(
    target: TargetName,
    port: Annotated[
        str | None,
        typer.Option(
            metavar="PORT",
            help="Verify on the board behind this serial port instead, into reports/boards/: /dev/ttyACM0, socket://H:P.",
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Images instead of the test split: one sub-folder per class, as for evaluate.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a target's artefact; check parity and budget.

    The same as stage verify@TARGET. Writes reports/TARGET.json; exit code 1 if a check fails.
    """
    from pipeline.cli.ready import check_ready

    check_ready(target, built=True, port=port)
    from pipeline.cli.verify import verify

    verify(target, port, data, as_json)

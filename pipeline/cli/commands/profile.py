"""`sixfold profile`."""

from typing import Annotated

import typer

from pipeline.cli.arguments import Json, TargetName

EXAMPLES = (
    "sixfold build mps2-an386 && sixfold profile mps2-an386",
    "sixfold profile mps3-an547 --all",
)


def command(
    target: TargetName,
    every: Annotated[bool, typer.Option("--all", help="All layers in their order, not the worst alone.")] = False,
    as_json: Json = False,
) -> None:
    """Count where an inference spends its instructions.

    Layer by layer and by what they do, for targets of which QEMU has the board. Writes
    reports/profiles/TARGET.json, which `sixfold report` shows on site/profiles.html.
    """
    from pipeline.cli.ready import check_ready

    check_ready(target, built=True)
    from pipeline.cli.profile import profile_target

    profile_target(target, every, as_json)

"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer


def complete_target(incomplete: str) -> list[str]:
    """Names of files in targets/ that begin with what was typed; none outside a repository."""
    # Not through pipeline.targets, which would read a schema at each press of the tab key.
    return sorted(path.stem for path in Path("targets").glob("*.yaml") if path.stem.startswith(incomplete))


Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script, and nothing else, on standard output.")]
TargetName = Annotated[
    str,
    typer.Argument(metavar="TARGET", help="Name of a file in targets/, without .yaml.", autocompletion=complete_target),
]

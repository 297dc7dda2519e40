"""What pip has to install on a board before the folder runs there."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

FILE = "requirements.txt"


def write_requirements(packages: Sequence[str], folder: Path) -> dict[str, Any]:
    """Write ``requirements.txt``, with the versions that the artefact was checked with here.

    Returns:
        What the engine and the report read: the lines of the file, and the versions by package.
    """
    versions = {package: version(package) for package in packages}
    lines = [f"{package}=={pinned}" for package, pinned in versions.items()]
    (folder / FILE).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return {"requirements": lines, "tools": versions}

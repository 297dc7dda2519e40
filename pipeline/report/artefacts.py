"""The files of a compiled artefact by size and hash, so that a copy on a board or a disk can be recognised."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.files import sha256_file
from pipeline.paths import artefact_folder


@dataclass(frozen=True)
class ArtefactFile:
    """A file; `name` is its path in the artefact's folder."""

    name: str
    size: int
    sha256: str


def artefact_files(target: str, root: Path = Path()) -> list[ArtefactFile]:
    """Every file of the artefact of `target` in the repository at `root`, sorted by path."""
    folder = root / artefact_folder(target)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [ArtefactFile(str(path.relative_to(folder)), path.stat().st_size, sha256_file(path)) for path in files]

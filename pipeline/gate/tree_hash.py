"""Hashes of files and folders as DVC writes them into dvc.lock, without starting DVC."""

import hashlib
import json
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

from pipeline.errors import SixfoldError

#: What DVC leaves out of a folder: the patterns of .dvcignore, and what it always does.
IGNORED = ("__pycache__", "*.pyc", ".git", ".hg", ".dvc", ".dvcignore")


def dvc_hash(path: Path) -> str | None:
    """MD5 of a file, or of a folder's manifest with ``.dir`` behind it; None where there is nothing.

    Raises:
        SixfoldError: a file cannot be read.
    """
    if path.is_dir():
        return manifest_hash(manifest(path))
    return _md5(path) if path.is_file() else None


def manifest(folder: Path) -> dict[str, str]:
    """MD5 of each file below `folder` by its path there, sorted.

    Raises:
        SixfoldError: a file cannot be read.
    """
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    kept = sorted(name.as_posix() for name in names if not _ignored(name))
    return {name: _md5(folder / name) for name in kept}


def manifest_hash(entries: Mapping[str, str]) -> str:
    """The hash of a folder with this manifest."""
    listed = [{"md5": md5, "relpath": name} for name, md5 in entries.items()]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _ignored(name: Path) -> bool:
    return any(fnmatch(part, pattern) for part in name.parts for pattern in IGNORED)


def _md5(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise SixfoldError(f"{path}: cannot be read ({error.strerror})") from error

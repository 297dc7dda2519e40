"""Hashes of our own sources, to name what is kept between runs."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def modules_of(source: str) -> list[str]:
    """A module, or all modules of a folder, relative to the repository's root and sorted."""
    path = ROOT / source
    found = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [module.relative_to(ROOT).as_posix() for module in found]


def digest_of(sources: Iterable[str]) -> str:
    """Hash of modules, given relative to the repository's root; of a folder, all its modules."""
    digest = hashlib.sha256()
    for source in sources:
        for module in modules_of(source):
            digest.update(f"{module}\n".encode() + (ROOT / module).read_bytes())
    return digest.hexdigest()

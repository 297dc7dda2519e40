"""The cache outside the repository, which several clones share: wheels and the environments of tools."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import SixfoldError

CACHE_VARIABLE = "SIXFOLD_CACHE"


def cache_folder() -> Path:
    """Where the cache lies: `$SIXFOLD_CACHE`, else `$XDG_CACHE_HOME/sixfold`, else `~/.cache/sixfold`."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sixfold"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one process at a time make `folder` of the cache; the system frees the lock of one that dies.

    Raises:
        SixfoldError: the cache cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = (folder.parent / f".{folder.name}.lock").open("w")
    except OSError as error:
        raise SixfoldError(
            f"{folder.parent}: cannot be written ({error.strerror}); set {CACHE_VARIABLE} to a folder of yours"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

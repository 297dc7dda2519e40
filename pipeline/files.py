"""Writing results so that a killed process or a full disk never leaves half a file behind."""

import hashlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import SixfoldError


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it onto `path` when the block ends well, else delete it.

    Raises:
        SixfoldError: the file system refused the write (full, read-only), named with the path.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
    except OSError as error:
        raise SixfoldError(f"{path}: cannot be written ({error.strerror})") from error
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private; an artefact is meant to be read by others.
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise SixfoldError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `path`; when the block ends well it replaces `path` whole.

    Raises:
        SixfoldError: the file system refused the write (full, read-only), named with the path.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    except OSError as error:
        raise SixfoldError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        yield temporary
        temporary.chmod(0o755)
        _swap(temporary, path)
    except OSError as error:
        raise SixfoldError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap(new: Path, path: Path) -> None:
    """Put a folder in the place of another, which goes; Ctrl-C waits for the few microseconds without either."""
    old = new.with_name(f"{new.name}.old")
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        if path.exists():
            path.replace(old)
        new.replace(path)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        if old.exists():
            shutil.rmtree(old)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys (same value, same bytes), atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        SixfoldError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise SixfoldError(f"{path}: not found; run `dvc repro`, which makes it") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SixfoldError(f"{path}: not readable JSON ({error})") from error


def sha256_file(path: Path) -> str:
    """The file's SHA-256 as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

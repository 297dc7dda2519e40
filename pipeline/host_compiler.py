"""Small C programs of ours for this computer, compiled when they are needed."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import SixfoldError

_FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror")


def compile_c(source: Path, result: Path, flags: Sequence[str] = ()) -> Path:
    """Compile and link one C file.

    Args:
        source: the file.
        result: the program or library to write.
        flags: further ones of the compiler.

    Returns:
        `result`.

    Raises:
        SixfoldError: there is no compiler, or it refuses.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        raise SixfoldError("gcc: not found; run `make setup`, which installs it")
    command = [compiler, *_FLAGS, *flags, str(source), "-o", str(result)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise SixfoldError(f"{source.name}: gcc refuses it: {(done.stderr.strip().splitlines() or ['no message'])[0]}")
    return result

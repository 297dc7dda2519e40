"""Calling pip: never asks, never installs elsewhere, its progress on stderr, its failure one line."""

import os
import subprocess
import sys

from pipeline.errors import SixfoldError

# A user's own choice of another place, and the variables that make another interpreter import our packages.
_UNWANTED = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONHOME", "PYTHONPATH")


def run_pip(arguments: list[str], what: str) -> None:
    """Run ``pip ARGUMENTS`` with the pip of this environment.

    Args:
        arguments: pip's own.
        what: how a failure starts, for example ``numpy==2.4.6: cannot be downloaded``.

    Raises:
        SixfoldError: pip failed; one line with `what`, pip's first error and what to look at.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    # pip's own progress goes to stderr (2): a stage's stdout may be read by a script.
    done = subprocess.run(command, stdout=2, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"pip ended with code {done.returncode}"]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1]).removeprefix("ERROR: ").strip()
        raise SixfoldError(f"{what} ({reason}); check the network or pip's index")

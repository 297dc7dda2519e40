"""Debian packages for tests: a test that needs them is skipped where there is no apt."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline import debian


def debian_root(architecture: str, packages: Sequence[str]) -> Path:
    """See :func:`pipeline.debian.debian_root`."""
    if not debian.have_apt():
        pytest.skip("needs apt-get and dpkg, to unpack Debian packages")
    return debian.debian_root(architecture, packages)

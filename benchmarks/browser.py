"""A real browser without a window: this computer's Chromium, else Debian's, unpacked into the cache."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from pipeline.debian import debian_root, have_apt, library_path, native_architecture
from pipeline.errors import SixfoldError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PACKAGES = ("chromium", "fonts-dejavu-core")
_MISSING = f"no browser: none of {', '.join(_NAMES)} is installed, and there is no Debian package of it to unpack"


def find_browser() -> tuple[Path, dict[str, str]]:
    """The browser's program and the environment it runs in.

    Raises:
        SixfoldError: none is installed, and Debian's cannot be fetched.
    """
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found), dict(os.environ)
    if not have_apt():
        raise SixfoldError(_MISSING)
    try:
        root = debian_root(native_architecture(), _PACKAGES)
    except SixfoldError as error:
        raise SixfoldError(f"{_MISSING} ({error})") from error
    return root / "usr/lib/chromium/chromium", os.environ | {"LD_LIBRARY_PATH": library_path(root)}


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser that is closed at the end.

    Raises:
        SixfoldError: there is none.
    """
    program, environment = find_browser()
    with sync_playwright() as driver:
        # The pages are our own, and a container's root user cannot have Chromium's sandbox.
        browser = driver.chromium.launch(executable_path=program, env={**environment}, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()

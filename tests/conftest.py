"""What several folders of tests share."""

import signal
import threading

import pytest

from tests.workspace import Workspace


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Workspace:
    """The repository's own pipeline, run from nothing."""
    workspace = Workspace.make(tmp_path_factory.mktemp("workspace"))
    workspace.repro()
    return workspace


def pytest_configure() -> None:
    """A shell that starts us in the background has us ignore Ctrl-C, and what we start would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file stay in one process, so that what they share is made once; so do those of a group.

    Before pytest-xdist looks, which tells the groups by this mark.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))

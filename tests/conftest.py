"""What several folders of tests share."""

import signal
import threading

import pytest
from xdist.remote import Producer

from tests import scheduling
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first."""
    items.sort(key=lambda item: scheduling.rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> scheduling.Scheduling | None:
    """Ours, where tests are to stay together by file."""
    return scheduling.Scheduling(config, log) if config.getoption("dist") == "loadfile" else None

"""Which tests share a process, and which begin first: what `make test` takes depends on it."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

#: These need the whole pipeline to have run: one process makes that for all of them (`built` in tests/conftest.py).
NEED_THE_PIPELINE = ("tests/docs/test_command_blocks.py", "tests/test_end_to_end.py")
#: The longest files, the longest first. At the end of a run they would leave the other processes without work.
FIRST = (*NEED_THE_PIPELINE, "tests/stages/test_imagenet.py", "tests/gate/test_regressions.py")


class Scheduling(LoadFileScheduling):
    """Tests of one file stay in one process, and so do those of files that share what is costly to make."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        # Files begin in the order of the collection, which is ours, not by how many tests they have.
        self.config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return NEED_THE_PIPELINE[0] if file in NEED_THE_PIPELINE else file


def rank(nodeid: str) -> int:
    """What tests are sorted by."""
    file = nodeid.partition("::")[0]
    return FIRST.index(file) if file in FIRST else len(FIRST)

"""The console command `sixfold`: a thin layer over the functions that the stages call.

Nothing heavy is imported before a command runs, so that `sixfold --help` answers at once.
"""

import signal
import sys
from types import FrameType

from pipeline.cli.app import app
from pipeline.errors import exits_cleanly

__all__ = ["app", "main"]


@exits_cleanly
def main() -> None:
    """Entry point: 0 good, 1 a gate failed, 2 wrong usage or input, 130 interrupted."""
    # A script's `kill` ends a command as Ctrl-C does: nothing half-written, no emulator left behind.
    signal.signal(signal.SIGTERM, _end)
    app(prog_name="sixfold")


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)

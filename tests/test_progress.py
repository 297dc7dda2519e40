"""Progress: how much is done and how much time is left, on a terminal and nowhere else."""

import os
import pty
import re
import subprocess
import sys

import pytest

_SCRIPT = """\
import sys, time
from pipeline.progress import progress_bar, silenced
from contextlib import nullcontext
with silenced() if sys.argv[1:] else nullcontext(), progress_bar("working", 4) as advance:
    for _ in range(4):
        advance(1)
        time.sleep(0.15)
print("rich" in sys.modules)
"""


def on_a_terminal(*arguments: str) -> tuple[str, str]:
    """What the script says on stdout, a pipe, and on stderr, a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, *arguments], env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 4096):
                seen += part
        except OSError:  # as Linux tells the end of a terminal
            pass
        os.close(ours)
        printed, _ = process.communicate(timeout=60)
    return printed, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())


def test_a_terminal_shows_the_share_and_the_time_that_is_left() -> None:
    printed, seen = on_a_terminal()
    assert printed == "True\n"
    assert re.search(r"working .* 50% \S", seen) and re.search(r" \d?\d% 0:00:0\d", seen)


def test_where_something_else_has_the_terminal_nothing_is_drawn() -> None:
    assert on_a_terminal("silenced") == ("False\n", "")


@pytest.mark.parametrize("variables", [{}, {"FORCE_COLOR": "1"}])
def test_a_pipe_stays_silent_and_rich_is_not_imported(variables: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], env=os.environ | variables, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("False\n", "")

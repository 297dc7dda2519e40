"""Other people's programs: all that they say, as it comes, and an end to those that find none."""

import os
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import SixfoldError
from pipeline.programs import run_program


def run(script: str, folder: Path, **options: object) -> tuple[str, int]:
    command = [sys.executable, "-u", "-c", script]
    return run_program(command, folder, dict(os.environ), get="get it", **{"time_limit_s": 60, **options})  # type: ignore[arg-type]


def test_both_streams_come_in_order_with_the_exit_code(tmp_path: Path) -> None:
    script = "import sys; print('one'); print('two', file=sys.stderr); print('\\xff three'); sys.exit(7)"
    assert run(script, tmp_path) == ("one\ntwo\n\xff three\n", 7)


def test_lines_are_heard_while_the_program_runs(tmp_path: Path) -> None:
    script = "import os, time\nprint('begun')\nwhile not os.path.exists('heard'): time.sleep(0.01)\nprint('over')"
    said = []

    def heard(line: str) -> None:
        said.append(line)
        (tmp_path / "heard").touch()

    assert run(script, tmp_path, heard=heard) == ("begun\nover\n", 0)
    assert said == ["begun\n", "over\n"]


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(SixfoldError, match=r"did not end within 0.5 s; why\?$"):
        run("import time; print('waits'); time.sleep(60)", tmp_path, time_limit_s=0.5, late="; why?")
    assert time.monotonic() - began < 30


def test_what_a_program_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    script = "import subprocess; subprocess.Popen(['sleep', '60']); print('over')"
    with pytest.raises(SixfoldError, match=r"did not end within 2 s$"):
        run(script, tmp_path, time_limit_s=2)
    assert time.monotonic() - began < 30


def test_a_program_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(SixfoldError, match=r"^no-such-program: not found; get it$"):
        run_program(["no-such-program"], tmp_path, {}, time_limit_s=1, get="get it")

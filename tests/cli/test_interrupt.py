"""Ctrl-C at any moment of a real process: no half-written result, no process left behind."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.project import command, environment, make_project, network, picture

pytestmark = pytest.mark.slow


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def children(group: int) -> list[str]:
    """Living processes of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(") ")
        except OSError:
            continue
        state, _, process_group = rest.split()[:3]
        if int(process_group) == group and state != "Z":
            found.append(name)
    return found


def interrupt(folder: Path, after_s: float, number: signal.Signals, *arguments: str) -> int:
    """Send a signal to the command alone, its children not included; return how it ended."""
    process = subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(after_s)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors or after_s < 0.5, errors
    assert children(process.pid) == []
    return process.returncode


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    """A project with a result of each command, and the seconds that each takes."""
    root = make_project(tmp_path_factory.mktemp("project"), network())
    seconds = {}
    for name in ("build", "verify", "diff"):
        begin = time.monotonic()
        arguments = command(name, "mps2-an386")
        subprocess.run(arguments, cwd=root, env=environment(), check=True, capture_output=True, timeout=300)
        seconds[name] = time.monotonic() - begin
    return root, seconds


@pytest.mark.parametrize(
    ("name", "number"), [("build", signal.SIGINT), ("verify", signal.SIGTERM), ("diff", signal.SIGINT)]
)
def test_the_last_good_result_stays_whole(
    built: tuple[Path, dict[str, float]], name: str, number: signal.Signals
) -> None:
    root, seconds = built
    before = files(root / "artifacts") | files(root / "reports")
    for part in (0.5, 0.8):
        ended = interrupt(root, part * seconds[name], number, name, "mps2-an386")
        # 0: it was faster this time; the negative: it had not come to its own code yet.
        assert ended in (128 + number, 0, -number)
        after = files(root / "artifacts") | files(root / "reports")
        assert after.keys() == before.keys(), "something was left behind, or is gone"
        assert all(after[file] == before[file] for file in before if file.startswith("mps2-an386/"))
    assert not [path for path in (root / "artifacts").iterdir() if path.name.startswith(".")]


def test_an_interruption_is_said_by_the_exit_code(built: tuple[Path, dict[str, float]]) -> None:
    root, _ = built
    (root / "watched").mkdir(exist_ok=True)
    subprocess.run(command("build", "host-litert"), cwd=root, env=environment(), check=True, capture_output=True)
    process = subprocess.Popen(
        command("run", "host-litert", "--watch", "watched"), cwd=root, env=environment(), stdout=subprocess.PIPE
    )
    picture(root / "watched/a.png", 1)
    assert process.stdout is not None and process.stdout.readline().startswith(b"a.png")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    process.stdout.close()

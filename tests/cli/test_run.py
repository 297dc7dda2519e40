import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.cli.frames import MOST_LOST_FRAMES, camera_frames, folder_frames
from pipeline.cli.live import Seen, screen
from pipeline.cli.prediction import ImageClasses, softmax
from pipeline.data.source import UnreadableImageError
from pipeline.errors import SixfoldError
from pipeline.graph.reference import execute
from pipeline.report.console import console
from tests.cli.project import LABELS, command, environment, make_project, network, picture, sixfold

GRAPH = network()
TARGET = "host-onnxruntime"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_project(tmp_path_factory.mktemp("project"), GRAPH)
    done = sixfold(root, "build", TARGET)
    assert done.returncode == 0, done.stderr
    return root


def expected_codes(path: Path) -> list[int]:
    around = ImageClasses(GRAPH, "the test")
    return execute(GRAPH, around.read(path)[np.newaxis], "float")[0].tolist()


@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e6, 1e6)))
def test_probabilities_are_those_of_softmax(logits: np.ndarray) -> None:
    found = softmax(logits)
    assert (found >= 0).all() and abs(found.sum() - 1) < 1e-9
    ratio = found / found.max()
    np.testing.assert_allclose(ratio, np.exp(logits - logits.max()), rtol=1e-9)


@given(arrays(np.int8, len(LABELS)), st.integers(1, 9))
def test_the_best_come_first_and_of_equal_ones_the_first(codes: np.ndarray, count: int) -> None:
    best = ImageClasses(GRAPH, "the test").best(codes, count)
    assert len(best) == min(count, len(LABELS)) and best[0].index == int(codes.argmax())
    assert [(-each.code, each.index) for each in best] == sorted((-each.code, each.index) for each in best)
    assert all(each.label == LABELS[each.index] and each.code == codes[each.index] for each in best)


def test_files_are_classified_by_the_artefact(project: Path) -> None:
    paths = [picture(project / f"{seed}.png", seed) for seed in range(3)]
    done = sixfold(project, "run", TARGET, *(path.name for path in paths), "--top", "9", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["target"] == TARGET and found["latency"]["kind"] == "measured"
    for path, row in zip(paths, found["images"], strict=True):
        codes = expected_codes(path)
        assert row["image"] == path.name
        assert {each["class"]: each["code"] for each in row["predictions"]} == dict(enumerate(codes))
        assert abs(sum(each["probability"] for each in row["predictions"]) - 1) < 1e-9


def test_a_person_gets_a_table_without_colours_where_it_is_piped(project: Path) -> None:
    path = picture(project / "one.png", 7)
    done = sixfold(project, "run", TARGET, path.name, "--top", "2")
    assert done.returncode == 0 and "\x1b" not in done.stdout and done.stderr == ""
    assert LABELS[int(np.argmax(expected_codes(path)))] in done.stdout
    assert sum(label in done.stdout for label in LABELS) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give image files, or --watch FOLDER, or --camera"),
        (["a.png", "--camera"], "give image files, or --watch FOLDER, or --camera"),
        (["absent.png"], "error: absent.png: not a readable image"),
        (["--watch", "absent"], "error: absent: no such folder"),
        (["--port", "/dev/ttyACM0", "a.png"], "--port is for microcontrollers"),
    ],
)
def test_wrong_usage_is_said(project: Path, arguments: list[str], message: str) -> None:
    done = sixfold(project, "run", TARGET, *arguments)
    assert done.returncode == 2 and message in done.stderr and done.stdout == ""


def test_what_was_not_built_is_said(project: Path) -> None:
    done = sixfold(project, "run", "host-litert", str(picture(project / "a.png", 1)))
    assert done.returncode == 2 and "`sixfold build host-litert`" in done.stderr


@contextlib.contextmanager
def ended(process: "subprocess.Popen[Any]") -> Iterator["subprocess.Popen[Any]"]:
    """The process, which does not outlive a test that fails."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for_line(process: "subprocess.Popen[str]") -> dict[str, object]:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], 60)
    assert ready, "nothing came within a minute"
    line: dict[str, object] = json.loads(process.stdout.readline())
    return line


def test_a_watched_folder_is_followed_until_interrupted(project: Path, tmp_path: Path) -> None:
    first = picture(tmp_path / "first.png", 1)
    arguments = command("run", TARGET, "--watch", str(tmp_path), "--json")
    with ended(
        subprocess.Popen(
            arguments, cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    ) as process:
        seen = wait_for_line(process)
        assert seen["image"] == "first.png"
        assert seen["predictions"][0]["code"] == max(expected_codes(first))  # type: ignore[index]
        (tmp_path / "broken.jpg").write_text("no image")
        assert "not a readable image" in str(wait_for_line(process)["problem"])
        second = picture(tmp_path / "first.png", 2)
        again = wait_for_line(process)
        assert again["image"] == "first.png"
        assert again["predictions"][0]["code"] == max(expected_codes(second))  # type: ignore[index]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0 and errors == ""


def test_on_a_terminal_the_view_changes_in_place(project: Path, tmp_path: Path) -> None:
    picture(tmp_path / "shown.png", 3)
    ours, theirs = pty.openpty()
    arguments = command("run", TARGET, "--watch", str(tmp_path))
    wide = {"TERM": "xterm", "COLUMNS": "300"}  # so that no line is broken, however long the folder's path is
    process = subprocess.Popen(
        arguments, cwd=project, env={**environment(), **wide}, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    printed = b""
    deadline = time.monotonic() + 60
    while b"1 images" not in printed and time.monotonic() < deadline:
        if select.select([ours], [], [], 1)[0]:
            printed += os.read(ours, 65536)
    with ended(process):
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    os.close(ours)
    assert b"1 images" in printed
    assert b"shown.png" in printed and b"\x1b[" in printed and "\u2588".encode() in printed


def test_a_file_is_not_read_while_it_grows(tmp_path: Path) -> None:
    growing = tmp_path / "growing.png"
    looks: list[int] = []

    def grow(seconds: float) -> None:
        del seconds
        looks.append(len(looks))
        if len(looks) < 4:
            growing.write_bytes(b"x" * len(looks))

    def read(path: Path) -> np.ndarray:
        assert path == growing
        raise UnreadableImageError("as expected")

    frames = folder_frames(tmp_path, read, grow)
    assert next(frames).problem == "not a readable image (as expected)" and len(looks) == 4
    frames.close()


def test_a_folder_that_goes_away_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    with pytest.raises(SixfoldError, match="went away"):
        next(folder_frames(folder, lambda path: np.zeros((1, 1, 1), np.int8), lambda seconds: folder.rmdir()))


class FakeCapture:
    """A camera whose every second frame is lost, and which is unplugged after four."""

    def __init__(self, number: int) -> None:
        self.number, self.reads, self.released = number, 0, False

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.number == 1

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.reads += 1
        if self.reads % 2 or self.reads > 8:
            return False, None
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[..., 0] = 255  # blue, in OpenCV's order
        return True, picture

    def release(self) -> None:
        self.released = True


@pytest.fixture
def opencv(monkeypatch: pytest.MonkeyPatch) -> list[FakeCapture]:
    opened: list[FakeCapture] = []

    def capture(number: int) -> FakeCapture:
        opened.append(FakeCapture(number))
        return opened[-1]

    logging = SimpleNamespace(setLogLevel=lambda level: None, LOG_LEVEL_SILENT=0)
    module = SimpleNamespace(VideoCapture=capture, utils=SimpleNamespace(logging=logging))
    monkeypatch.setitem(sys.modules, "cv2", module)
    return opened


def test_a_cameras_frames_are_cut_as_images_are(opencv: list[FakeCapture]) -> None:
    around = ImageClasses(network(channels=3), "the test")
    frames = camera_frames(1, around.cut)
    names = [next(frames).name for _ in range(3)]
    codes = next(frames).codes
    assert names == ["frame 1", "frame 2", "frame 3"] and codes is not None
    red, green, blue = (int(codes[0, 0, channel]) for channel in range(3))
    assert red == green < blue
    with pytest.raises(SixfoldError, match="camera 1: gives no more frames"):
        next(frames)
    assert opencv[0].released and opencv[0].reads == 8 + MOST_LOST_FRAMES


def test_no_camera_is_said(opencv: list[FakeCapture]) -> None:
    with pytest.raises(SixfoldError, match="camera 0: not found"):
        next(camera_frames(0, lambda image: np.zeros((1, 1, 1), np.int8)))
    assert opencv[0].released


def test_without_opencv_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(SixfoldError, match=r"pip install 'sixfold\[camera\]'.*or use --watch"):
        next(camera_frames(0, lambda image: np.zeros((1, 1, 1), np.int8)))


def test_the_screen_shows_names_as_they_are_and_what_could_not_be_read() -> None:
    best = ImageClasses(GRAPH, "the test").best(np.array([1, 2, 3, 4, 5], np.int8), 2)
    out = console()
    with out.capture() as captured:
        out.print(screen([Seen("[red]x", best), Seen("bad[/]", (), problem="not readable")], "the end"))
    shown = captured.get()
    assert all(text in shown for text in ("[red]x", "bad[/]", "not readable", "the end", "hen"))

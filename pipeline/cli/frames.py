"""Where the images of a live view come from: a folder that is watched, or a camera."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from pipeline.data.listing import is_image, sorted_entries
from pipeline.data.source import UnreadableImageError
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array

#: Between two looks at a folder.
POLL_S = 0.2
#: Frames that a camera may fail to give one after another before it counts as gone.
MOST_LOST_FRAMES = 50


@dataclass(frozen=True)
class Frame:
    """An image as the network takes it.

    Attributes:
        codes: int8 ``(height, width, channels)``; None where it could not be read.
        problem: why not.
    """

    name: str
    codes: Int8Array | None
    problem: str | None = None


def folder_frames(
    folder: Path, read: Callable[[Path], Int8Array], sleep: Callable[[float], None] = time.sleep
) -> Generator[Frame]:
    """Images of a folder: those that lie there, then without end those that appear or change.

    A file is read once two looks in a row find it with one size and time, so that none is read while it is written.

    Args:
        folder: watched without its sub-folders.
        read: an image file to the network's input.
        sleep: waits between two looks.

    Raises:
        SixfoldError: no such folder, or it went away.
    """
    if not folder.is_dir():
        raise SixfoldError(f"{folder}: no such folder; name one whose images are to be watched")
    done: dict[Path, tuple[int, int]] = {}
    before: dict[Path, tuple[int, int]] = {}
    while True:
        if not folder.is_dir():
            raise SixfoldError(f"{folder}: the folder went away")
        now = _images(folder)
        for path, stamp in now.items():
            if before.get(path) == stamp and done.get(path) != stamp:
                done[path] = stamp
                yield _frame(path, read)
        before = now
        sleep(POLL_S)


def _images(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of each image, sorted by name."""
    found = {}
    for path in sorted_entries(folder):
        if not is_image(path):
            continue
        try:
            status = path.stat()
        except OSError:  # it went away between the two calls
            continue
        found[path] = (status.st_size, status.st_mtime_ns)
    return found


def _frame(path: Path, read: Callable[[Path], Int8Array]) -> Frame:
    try:
        return Frame(path.name, read(path))
    except UnreadableImageError as error:
        return Frame(path.name, None, f"not a readable image ({error})")


def camera_frames(number: int, cut: Callable[[Pillow.Image], Int8Array]) -> Generator[Frame]:
    """What a camera sees, frame by frame, without end.

    Args:
        number: of the camera, 0 for the first.
        cut: a picture in RGB to the network's input.

    Raises:
        SixfoldError: OpenCV is not installed, there is no such camera, or it was unplugged.
    """
    capture = _open(number)
    try:
        count = lost = 0
        while lost < MOST_LOST_FRAMES:
            good, picture = capture.read()
            if not good:
                lost += 1
                continue
            count, lost = count + 1, 0
            # OpenCV's order is blue, green, red.
            yield Frame(f"frame {count}", cut(Pillow.fromarray(picture[..., ::-1])))
    finally:
        capture.release()
    raise SixfoldError(f"camera {number}: gives no more frames; was it unplugged?")


def _open(number: int) -> Any:
    try:
        import cv2  # noqa: PLC0415 - an extra of its own, for the camera alone
    except ImportError as error:
        raise SixfoldError(
            "--camera needs OpenCV, which is not installed; run `pip install 'sixfold[camera]'` (in a clone: "
            "`.venv/bin/pip install -e '.[camera]'`), or use --watch FOLDER"
        ) from error
    # What OpenCV itself prints about a missing camera explains nothing.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        capture.release()
        raise SixfoldError(f"camera {number}: not found; is one plugged in and allowed to be used? (or --watch FOLDER)")
    return capture

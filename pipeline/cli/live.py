"""`sixfold run TARGET --watch FOLDER` and `--camera`: predictions as they come, until Ctrl-C."""

import json
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from pipeline.cli.frames import Frame, camera_frames, folder_frames
from pipeline.cli.prediction import ImageClasses, Prediction
from pipeline.cli.run import prediction_table
from pipeline.paths import built_artefact
from pipeline.report.console import table
from pipeline.report.format import percent
from pipeline.runners import Infer
from pipeline.runners.inference import open_inference
from pipeline.targets import load_target, on_a_board

#: Images before the latest one that stay on the screen.
HISTORY = 8


@dataclass(frozen=True)
class Seen:
    """A frame and what the artefact made of it.

    Attributes:
        predictions: empty where the frame could not be read; `problem` then says why.
        milliseconds: from the network's input to its output, by this computer's clock.
    """

    name: str
    predictions: tuple[Prediction, ...]
    milliseconds: float = 0.0
    problem: str | None = None

    def line(self) -> str:
        """For a log."""
        if self.problem is not None:
            return f"{self.name}: {self.problem}"
        best = self.predictions[0]
        return f"{self.name}: {best.label}, {percent(best.probability)}"

    def json_line(self) -> str:
        """For a script: one object a line."""
        rows = [prediction.as_json() for prediction in self.predictions]
        return json.dumps({"image": self.name, "predictions": rows, "problem": self.problem}, sort_keys=True)


def run_live(name: str, watch: Path | None, camera: int, top: int, port: str | None, as_json: bool) -> None:
    """Classify what comes until interrupted: a table that changes on a terminal, a line an image elsewhere.

    Args:
        name: of a file in targets/.
        watch: a folder; None for the camera.
        camera: its number.
        top: classes to show.
        port: a board's serial port.
        as_json: an object a line.

    Raises:
        SixfoldError: nothing is built, no such folder, no camera, or the machine is missing.
    """
    target = load_target(name) if port is None else on_a_board(load_target(name), port)
    around = ImageClasses.of_current_model()
    infer = open_inference(built_artefact(name), target)
    frames = folder_frames(watch, around.read) if watch is not None else camera_frames(camera, around.cut)
    seen = _classify(frames, infer, around, top)
    console = Console(highlight=False)
    try:
        if console.is_terminal and not as_json:
            _show(seen, console, name, str(watch) if watch is not None else f"camera {camera}")
        else:
            for each in seen:
                print(each.json_line() if as_json else each.line(), flush=True)
    except KeyboardInterrupt:
        # This is how a person ends it.
        return
    finally:
        frames.close()


def _classify(frames: Iterator[Frame], infer: Infer, around: ImageClasses, top: int) -> Iterator[Seen]:
    for frame in frames:
        if frame.codes is None:
            yield Seen(frame.name, (), problem=frame.problem)
            continue
        begin = time.perf_counter()
        codes = infer(frame.codes)
        yield Seen(frame.name, around.best(codes, top), (time.perf_counter() - begin) * 1e3)


def _show(seen: Iterator[Seen], console: Console, name: str, source: str) -> None:
    waiting = Text(f"{name} waits for {source}; Ctrl-C ends")
    recent: deque[Seen] = deque(maxlen=HISTORY + 1)
    count = 0
    with Live(waiting, console=console, auto_refresh=False) as live:
        for each in seen:
            count += 1
            recent.appendleft(each)
            footer = f"{name}, {source}: {count} images, the last took {each.milliseconds:.1f} ms; Ctrl-C ends"
            live.update(screen(list(recent), footer), refresh=True)


def screen(recent: list[Seen], footer: str) -> RenderableType:
    """The latest image with its classes, the ones before as a list, a line below.

    Args:
        recent: the latest first, at least one.
        footer: the line.
    """
    latest, *before = recent
    body = Text(latest.problem) if latest.problem is not None else prediction_table(latest.predictions)
    parts: list[RenderableType] = [Text(latest.name, style="bold"), body]
    if before:
        listing = table("before", "class", "probability")
        for each in before:
            best = each.predictions[0] if each.predictions else None
            listing.add_row(
                Text(each.name), best.label if best else str(each.problem), percent(best.probability) if best else ""
            )
        parts.append(listing)
    return Group(*parts, Text(footer, style="dim"))

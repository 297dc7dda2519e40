"""`sixfold run TARGET IMAGE...`: what a target's artefact sees in image files."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.cli.output import print_json
from pipeline.cli.prediction import ImageClasses, Prediction
from pipeline.data.source import UnreadableImageError
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array
from pipeline.paths import built_artefact
from pipeline.report.console import console, table
from pipeline.report.format import percent
from pipeline.runners import Latency, load_runner
from pipeline.targets import Target, load_target, on_a_board

if TYPE_CHECKING:
    from rich.table import Table

#: Characters of a bar that stands for a probability of 1.
BAR = 24


def classify_files(name: str, images: Sequence[Path], top: int, port: str | None, as_json: bool) -> None:
    """Run target `name` on image files and print the likeliest classes of each.

    Args:
        name: of a file in targets/.
        images: files.
        top: classes to print of each.
        port: the serial port of a board that takes the place of the target's own runner.
        as_json: print JSON instead of tables.

    Raises:
        SixfoldError: an image cannot be read, nothing is built, or the machine is missing.
    """
    target = _where(name, port)
    artefact = built_artefact(name)
    around = ImageClasses.of_current_model()
    inputs = np.stack([_read(around, path) for path in images])
    result = load_runner(target).run_artefact(artefact, target, inputs)
    found = [around.best(codes, top) for codes in result.codes]
    if as_json:
        rows = [
            {"image": path.as_posix(), "predictions": [prediction.as_json() for prediction in predictions]}
            for path, predictions in zip(images, found, strict=True)
        ]
        latency = None if result.latency is None else asdict(result.latency) | {"layers": None}
        print_json({"target": name, "images": rows, "latency": latency})
        return
    out = console()
    for path, predictions in zip(images, found, strict=True):
        out.print(f"{path}", markup=False)
        out.print(prediction_table(predictions))
    out.print(f"computed by {name}{_cost(result.latency)}", markup=False)


def _where(name: str, port: str | None) -> Target:
    target = load_target(name)
    return target if port is None else on_a_board(target, port)


def _read(around: ImageClasses, path: Path) -> Int8Array:
    try:
        return around.read(path)
    except UnreadableImageError as error:
        raise SixfoldError(f"{path}: not a readable image ({error})") from error


def prediction_table(predictions: Sequence[Prediction]) -> "Table":
    """Classes with their probabilities as numbers and bars."""
    listing = table("class", "probability", "")
    for prediction in predictions:
        bar = "\u2588" * round(BAR * prediction.probability)
        listing.add_row(prediction.label, percent(prediction.probability), bar)
    return listing


def _cost(latency: Latency | None) -> str:
    if latency is None:
        return "; this machine says nothing about its time"
    amount = f"{latency.value:,.0f}" if latency.unit == "instructions" else f"{latency.value:.3g}"
    kind = "" if latency.kind == latency.unit else f", {latency.kind}"
    return f" on {latency.where}: {amount} {latency.unit} an inference{kind}"

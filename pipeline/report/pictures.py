"""The files beside the page: a memory map of each board, and test images that show what was mistaken for what."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.data.prepared import PREPARED_FOLDER, PreparedDataset, images_file
from pipeline.paths import artefact_folder
from pipeline.report.confusion import LARGEST_MATRIX, LISTED_PAIRS
from pipeline.report.inputs import ReportInputs

#: The folder of the site that the pictures lie in.
FOLDER = "files"
#: Images of one kind of mistake.
SHOWN = 6
#: The longer side of a picture in pixels; a larger image is scaled down.
LARGEST_SIDE = 96
MEMORY_MAP = "memory_map.svg"
#: A map of a network with a thousand operators has less than half of this; anything larger is none of ours.
_LARGEST_MAP_BYTES = 4 * 1024**2


@dataclass(frozen=True)
class Picture:
    """A picture of the site.

    Attributes:
        file: relative to the page.
        words: what it shows.
        width: in pixels, and height; 0 where the file says.
    """

    file: str
    words: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Pictures:
    """What there is to show.

    Attributes:
        memory: by target.
        classes: by label, one image that was recognised.
        mistakes: by (actual, predicted) label.
    """

    memory: Mapping[str, Picture] = field(default_factory=dict)
    classes: Mapping[str, Picture] = field(default_factory=dict)
    mistakes: Mapping[tuple[str, str], Sequence[Picture]] = field(default_factory=dict)


def write_pictures(
    inputs: ReportInputs, mistakes: Sequence[tuple[str, str, int]], root: Path, folder: Path
) -> Pictures:
    """Write the pictures.

    Args:
        inputs: what the report is made of.
        mistakes: the kinds of mistake that the page lists, as (actual, predicted, images).
        root: the repository.
        folder: an empty one, which becomes :data:`FOLDER` of the site.

    Returns:
        What was written. Test images are shown only where the table of predictions is of the prepared test split.

    Raises:
        SixfoldError: the prepared data set is damaged.
    """
    memory = _copy_memory_maps(inputs, root, folder)
    data = _test_split(inputs, root)
    if data is None:
        return Pictures(memory)
    seen: dict[tuple[str, str], list[int]] = {}
    for index, pair in enumerate(inputs.predictions):
        seen.setdefault(pair, []).append(index)
    classes: dict[str, Picture] = {}
    if len(inputs.labels) <= LARGEST_MATRIX:
        for label in inputs.labels:
            if right := seen.get((label, label)):
                classes[label] = _write_image(data, right[0], f"test image {right[0]}, {label}", folder)
    shown = {
        (actual, predicted): [
            _write_image(data, index, f"test image {index}: {actual}, taken for {predicted}", folder)
            for index in seen.get((actual, predicted), ())[:SHOWN]
        ]
        for actual, predicted, _ in mistakes[:LISTED_PAIRS]
    }
    return Pictures(memory, classes, shown)


def _copy_memory_maps(inputs: ReportInputs, root: Path, folder: Path) -> dict[str, Picture]:
    maps = {}
    for verified in inputs.targets:
        name = verified.target.name
        source = root / artefact_folder(name) / MEMORY_MAP
        if verified.report and source.is_file() and source.stat().st_size <= _LARGEST_MAP_BYTES:
            file = f"memory-{name}.svg"
            shutil.copyfile(source, folder / file)
            words = (
                f"Memory of {name} over time: operators from left to right, addresses of the arena upwards, a "
                "rectangle for each buffer while it is needed"
            )
            maps[name] = Picture(f"{FOLDER}/{file}", words)
    return maps


def _test_split(inputs: ReportInputs, root: Path) -> PreparedDataset | None:
    """The prepared images, if the predictions are of its test split, image by image."""
    folder = root / PREPARED_FOLDER
    if not inputs.predictions or not images_file(folder, "test").is_file():
        return None
    data = PreparedDataset.load(folder)
    actual = [data.names[label] for label in data.labels("test")]
    return data if actual == [pair[0] for pair in inputs.predictions] else None


def _write_image(data: PreparedDataset, index: int, words: str, folder: Path) -> Picture:
    """One test image as PNG; the same image is the same bytes."""
    pixels = np.asarray(data.images("test")[index])
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    file = f"test-{index}.png"
    image.save(folder / file, format="PNG", optimize=True)
    return Picture(f"{FOLDER}/{file}", words, image.width, image.height)

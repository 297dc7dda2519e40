"""The prepared data set: the one form in which every later stage reads images."""

from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from pipeline.data.source import SPLITS, Split
from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.preprocess import Images, Normalization
from pipeline.validation import Checked, validate

PREPARED_FOLDER = Path("data/prepared")
DESCRIPTION = "dataset.json"

Element = TypeVar("Element", bound=np.generic)


class SkippedFile(Checked):
    """An image that could not be read."""

    name: str
    reason: str


class Description(Checked):
    """`dataset.json`.

    Attributes:
        labels: name of each class index.
        central_crop: side of the square that was cut from each image, as a fraction of its shorter side.
        counts: images per split, in the order of `labels`.
        skipped: images that could not be read.
        ignored: files that were no images of any class.
    """

    source: str
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    image_size: Annotated[int, Field(ge=32)]
    channels: Annotated[int, Field(ge=1)]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    central_crop: float
    counts: dict[Split, tuple[int, ...]]
    skipped: tuple[SkippedFile, ...]
    ignored: tuple[str, ...]
    licence: str


def images_file(folder: Path, split: Split) -> Path:
    """Where a split's pixels lie: uint8 (N, size, size, channels)."""
    return folder / f"{split}.images.npy"


def labels_file(folder: Path, split: Split) -> Path:
    """Where a split's class indices lie: int64 (N,)."""
    return folder / f"{split}.labels.npy"


class PreparedDataset:
    """A prepared folder, checked when opened. Images stay on disk and are mapped where they are read.

    Attributes:
        folder: where it lies.
        description: its `dataset.json`.
        normalization: what the network is trained with.
    """

    def __init__(self, folder: Path, description: Description) -> None:
        self.folder = folder
        self.description = description
        self.normalization = Normalization(description.mean, description.std)
        self._images = {split: self._load_images(split) for split in SPLITS}
        self._labels = {split: self._load_labels(split) for split in SPLITS}

    @classmethod
    def load(cls, folder: Path = PREPARED_FOLDER) -> "PreparedDataset":
        """Open and check a prepared folder.

        Raises:
            SixfoldError: a file is missing or damaged, or does not agree with `dataset.json`.
        """
        path = folder / DESCRIPTION
        description = validate(Description, read_json(path), str(path))
        if missing := [split for split in SPLITS if split not in description.counts]:
            raise SixfoldError(f"{path}: counts.{missing[0]}: missing; run `dvc repro prepare`")
        return cls(folder, description)

    @property
    def source(self) -> str:
        """Name of the data set in params.yaml."""
        return self.description.source

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each class index."""
        return self.description.labels

    @property
    def channels(self) -> int:
        """Channels of each image."""
        return self.description.channels

    @property
    def image_size(self) -> int:
        """Side of each image in pixels."""
        return self.description.image_size

    def images(self, split: Split) -> Images:
        """Pixels of a split: uint8 (N, size, size, channels), read-only."""
        return self._images[split]

    def labels(self, split: Split) -> npt.NDArray[np.int64]:
        """Class indices of a split: int64 (N,)."""
        return self._labels[split]

    def _load_images(self, split: Split) -> Images:
        path, size = images_file(self.folder, split), self.image_size
        expected = (sum(self.description.counts[split]), size, size, self.channels)
        return _load(path, np.uint8, expected, mapped=expected[0] > 0)  # nothing can be mapped

    def _load_labels(self, split: Split) -> npt.NDArray[np.int64]:
        path, counts = labels_file(self.folder, split), self.description.counts[split]
        labels = _load(path, np.int64, (sum(counts),), mapped=False)
        found = tuple(np.bincount(labels, minlength=len(self.names)).tolist()) if (labels >= 0).all() else ()
        if found != counts or len(counts) != len(self.names):
            raise SixfoldError(f"{path}: labels do not agree with {DESCRIPTION}; run `dvc repro --force prepare`")
        return labels


def _load(path: Path, dtype: type[Element], shape: tuple[int, ...], mapped: bool) -> npt.NDArray[Element]:
    try:
        array: npt.NDArray[Element] = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except FileNotFoundError as error:
        raise SixfoldError(f"{path}: not found; run `dvc repro prepare`") from error
    except (OSError, ValueError, EOFError) as error:
        raise SixfoldError(f"{path}: damaged ({error}); run `dvc repro --force prepare`") from error
    if array.dtype != dtype or array.shape != shape:
        raise SixfoldError(
            f"{path}: {array.dtype} of shape {array.shape}, expected {np.dtype(dtype)} of {shape}; "
            "run `dvc repro --force prepare`"
        )
    return array

"""From a source to the prepared folder, without ever holding all images in memory."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.lib.format import open_memmap
from PIL import Image as Pillow
from rich.console import Console
from rich.progress import track

from pipeline.data.prepared import DESCRIPTION, Description, SkippedFile, images_file, labels_file
from pipeline.data.source import SPLITS, Source, UnreadableImageError
from pipeline.data.split import split_items, splits_as_given
from pipeline.errors import SixfoldError
from pipeline.files import atomic_folder, write_json
from pipeline.params import DataParams

ROWS_AT_ONCE = 1024


def write_prepared(source: Source, params: DataParams, folder: Path) -> Description:
    """Decode, split and write `source`; `folder` is replaced whole or left alone.

    Images are decoded once, by several threads, into one scratch file and copied from there: which can be read must be
    known before they are split.

    Returns:
        What was written to `dataset.json`.

    Raises:
        SixfoldError: no readable image, a class without any, or too few of a class for every split.
    """
    if not source.items:
        raise SixfoldError(f"{source.name}: no images; see `image_folder` in params.yaml")
    shape = (len(source.items), params.image_size, params.image_size, params.channels)
    with atomic_folder(folder) as temporary:
        scratch = temporary / "all.npy"
        pixels = open_memmap(scratch, mode="w+", dtype=np.uint8, shape=shape)
        reasons = _decode_all(source, pixels)
        readable = np.array([reason is None for reason in reasons])
        kept = np.flatnonzero(readable)
        labels = np.array([source.items[index].label for index in kept], dtype=np.int64)
        skipped = tuple(
            SkippedFile(name=item.name, reason=reason)
            for item, reason in zip(source.items, reasons, strict=True)
            if reason is not None
        )
        given = [source.items[index].split for index in kept]
        if source.trains:
            _check_classes(source, labels, skipped)
            splits = split_items(
                labels,
                given,
                source.classes,
                validation=params.validation,
                test=params.test,
                calibration=params.calibration,
                seed=params.seed,
            )
        else:
            splits = splits_as_given(given)
        for split, chosen in splits.items():
            _copy_rows(pixels, kept[chosen], images_file(temporary, split))
            np.save(labels_file(temporary, split), labels[chosen], allow_pickle=False)
        del pixels
        scratch.unlink()
        description = Description(
            source=source.name,
            labels=source.classes,
            image_size=params.image_size,
            channels=params.channels,
            mean=params.mean,
            std=params.std,
            central_crop=params.central_crop,
            counts={
                split: tuple(np.bincount(labels[splits[split]], minlength=len(source.classes)).tolist())
                for split in SPLITS
            },
            skipped=skipped,
            ignored=source.ignored,
            licence=source.licence,
        )
        write_json(temporary / DESCRIPTION, description.model_dump(mode="json"))
    return description


def _decode_all(source: Source, pixels: npt.NDArray[np.uint8]) -> list[str | None]:
    """Fill `pixels`; for each item the reason why it could not be read, or None."""

    def decode(index: int) -> str | None:
        try:
            pixels[index] = source.read(index)
        except UnreadableImageError as error:
            return str(error)
        return None

    console = Console(stderr=True)
    with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        # Images of that size are refused and reported by name; Pillow's own warning has no name in it.
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
        done = pool.map(decode, range(len(pixels)))
        return list(
            track(
                done,
                description=f"reading {source.name}",
                total=len(pixels),
                console=console,
                disable=not console.is_terminal,
            )
        )


def _check_classes(source: Source, labels: npt.NDArray[np.int64], skipped: tuple[SkippedFile, ...]) -> None:
    if not len(labels):
        raise SixfoldError(f"{source.name}: none of {len(skipped)} images can be read; first: {_line(skipped[0])}")
    counts = np.bincount(labels, minlength=len(source.classes))
    for name, count in zip(source.classes, counts, strict=True):
        if not count:
            reason = f"; of it was skipped {_line(skipped[0])}" if skipped else ""
            raise SixfoldError(f"{source.name}: class {name!r} has no readable image{reason}")


def _line(file: SkippedFile) -> str:
    return f"{file.name} ({file.reason})"


def _copy_rows(pixels: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64], path: Path) -> None:
    if not len(rows):  # nothing can be mapped
        np.save(path, np.empty((0, *pixels.shape[1:]), np.uint8), allow_pickle=False)
        return
    target = open_memmap(path, mode="w+", dtype=np.uint8, shape=(len(rows), *pixels.shape[1:]))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        target[start : start + ROWS_AT_ONCE] = pixels[rows[start : start + ROWS_AT_ONCE]]
    target.flush()

"""What is wrong with a folder of images, found before an hour of training is spent on it."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from pipeline.data.decode import decode
from pipeline.data.image_folder import open_image_folder
from pipeline.data.source import UnreadableImageError
from pipeline.errors import SixfoldError
from pipeline.progress import progress_bar

#: Images of a class below which a test set says little: its share of a fifth is then less than ten.
FEW_IMAGES = 50
#: How many times the smallest class the largest may be.
UNEVEN = 10
#: How many times as long as wide an image may be before cutting out the middle loses much of it.
LONG = 2
#: Files that a warning names.
NAMED = 3
#: Size that images are decoded to, only to see whether they can be.
_PROBE = 32


@dataclass(frozen=True)
class FolderCheck:
    """What was found.

    Attributes:
        classes: name of each class index.
        labels: class index of each readable image.
        splits: the split that the user put each in, or None.
        channels: 3 if any image has colours, else 1.
        unreadable: files with the reason.
        warnings: in words, one line each.
    """

    folder: str
    classes: tuple[str, ...]
    labels: tuple[int, ...]
    splits: tuple[str | None, ...]
    channels: int
    unreadable: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Readable images of each class."""
        found = Counter(self.labels)
        return {name: found[index] for index, name in enumerate(self.classes)}

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "path": self.folder,
            "images": self.counts,
            "channels": self.channels,
            "unreadable": list(self.unreadable),
            "warnings": list(self.warnings),
        }


def check_folder(folder: Path) -> FolderCheck:
    """Decode every image.

    Raises:
        SixfoldError: nothing can be trained on it: no folder, no images, a single class, an empty class, or none of a
            class that can be read.
    """
    if not folder.is_dir():
        what = "a file" if folder.exists() else "no such folder"
        raise SixfoldError(f"{folder}: {what}; give the folder that has a sub-folder per class")
    source = open_image_folder(folder, _PROBE, 3)
    labels: list[int] = []
    splits: list[str | None] = []
    unreadable: list[str] = []
    contents: dict[str, list[tuple[int, str]]] = {}
    smallest, colours = 2**31, False
    long: list[str] = []
    with progress_bar("reading images", len(source.items)) as advance:
        for item in source.items:
            path = folder / item.name
            try:
                pixels = decode(path, _PROBE, 3)
            except UnreadableImageError as error:
                unreadable.append(f"{item.name}: {error}")
            else:
                with Pillow.open(path) as image:
                    shorter, longer = sorted(image.size)
                smallest, colours = min(smallest, shorter), colours or bool((pixels != pixels[..., :1]).any())
                if longer > LONG * shorter:
                    long.append(item.name)
                labels.append(item.label)
                splits.append(item.split)
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                contents.setdefault(digest, []).append((item.label, item.name))
            advance(1)
    found = Counter(labels)
    for index, name in enumerate(source.classes):
        if not found[index]:
            raise SixfoldError(f"{folder}: none of the images of class {name!r} can be read; first: {unreadable[0]}")
    warnings = [
        *_unreadable(unreadable),
        *_ignored(source.ignored),
        *_balance(found, source.classes),
        *_repeated(list(contents.values())),
        *_small(smallest),
        *_long(long),
    ]
    return FolderCheck(
        folder.as_posix(),
        source.classes,
        tuple(labels),
        tuple(splits),
        3 if colours else 1,
        tuple(unreadable),
        tuple(warnings),
    )


def _unreadable(lines: list[str]) -> list[str]:
    return (
        [f"{_counted(len(lines), 'image', 'images')} cannot be read and will be skipped: {_some(lines)}"]
        if lines
        else []
    )


def _ignored(names: tuple[str, ...]) -> list[str]:
    return (
        [f"{_counted(len(names), 'other file', 'other files')} will be ignored: {_some(list(names))}"] if names else []
    )


def _balance(found: Counter[int], classes: tuple[str, ...]) -> list[str]:
    few = [f"{name} ({found[index]})" for index, name in enumerate(classes) if found[index] < FEW_IMAGES]
    warnings = [f"fewer than {FEW_IMAGES} images say little about a class: {_some(few)}"] if few else []
    if max(found.values()) > UNEVEN * min(found.values()):
        warnings.append(
            f"the largest class has {max(found.values())} images, the smallest {min(found.values())}: accuracy will be "
            "that of the large ones"
        )
    return warnings


def _repeated(groups: list[list[tuple[int, str]]]) -> list[str]:
    same = [group for group in groups if len(group) > 1]
    torn = [" = ".join(name for _, name in group) for group in same if _is_torn(group)]
    warnings = []
    if torn:
        warnings.append(f"{_counted(len(torn), 'image is', 'images are')} in several classes: {_some(torn)}")
    if copies := [" = ".join(name for _, name in group) for group in same if not _is_torn(group)]:
        warnings.append(
            f"{_counted(len(copies), 'image is', 'images are')} there more than once, and may come into training and "
            f"test both: {_some(copies)}"
        )
    return warnings


def _is_torn(group: list[tuple[int, str]]) -> bool:
    return len({label for label, _ in group}) > 1


def _small(side: int) -> list[str]:
    return [f"the smallest image is {side} pixels wide or high; it will be enlarged"] if side < _PROBE else []


def _long(names: list[str]) -> list[str]:
    if not names:
        return []
    return [
        f"{_counted(len(names), 'image is', 'images are')} more than {LONG} times as long as wide; only the square in "
        f"the middle is used: {_some(names)}"
    ]


def _counted(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _some(lines: list[str]) -> str:
    more = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    return f"{'; '.join(lines[:NAMED])}{more}"

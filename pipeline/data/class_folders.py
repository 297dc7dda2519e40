"""Images in one sub-folder per class, for a network whose classes are already decided."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.data.listing import class_files, strangers, visible_folders
from pipeline.errors import SixfoldError


@dataclass(frozen=True)
class LabelledImages:
    """Files with the class index of each.

    Attributes:
        paths: sorted by class folder, then by name.
        labels: class index of each.
        ignored: what else lay there, relative to the folder.
    """

    paths: tuple[Path, ...]
    labels: tuple[int, ...]
    ignored: tuple[str, ...]


def labelled_images(folder: Path, classes: int) -> LabelledImages:
    """List the images of `folder`.

    Where all sub-folders' names are numbers, they are the class indices, and some classes may be absent. Otherwise the
    sorted names are the indices, and all must be there.

    Args:
        folder: with one sub-folder per class.
        classes: of the network.

    Raises:
        SixfoldError: no such folder, no images, a number that is no class, or another number of names than classes.
    """
    if not folder.is_dir():
        raise SixfoldError(f"{folder}: no such folder; name one with a sub-folder per class")
    entries = visible_folders(folder)
    if not entries:
        raise SixfoldError(f"{folder}: no images; put them into one sub-folder per class")
    indices = _indices([entry.name for entry in entries], classes, folder)
    ignored = list(strangers(folder, folder))
    found: list[tuple[int, Path]] = []
    for entry, index in zip(entries, indices, strict=True):
        images, others = class_files(entry)
        found += [(index, path) for path in images]
        ignored += [path.relative_to(folder).as_posix() for path in others]
    if not found:
        raise SixfoldError(f"{folder}: no images in {len(entries)} class folders")
    found.sort(key=lambda item: item[0])
    return LabelledImages(tuple(p for _, p in found), tuple(i for i, _ in found), tuple(ignored))


def _indices(names: list[str], classes: int, folder: Path) -> list[int]:
    if all(name.isascii() and name.isdecimal() for name in names):
        indices = [int(name) for name in names]
        for name, index in zip(names, indices, strict=True):
            if index >= classes:
                raise SixfoldError(f"{folder / name}: the network has {classes} classes, numbered 0 to {classes - 1}")
        if len(set(indices)) != len(indices):
            raise SixfoldError(f"{folder}: two folders have the same number")
        return indices
    if len(names) != classes:
        raise SixfoldError(
            f"{folder}: {len(names)} class folders, the network has {classes} classes; "
            "name the folders by class index where some classes are absent"
        )
    return list(range(classes))

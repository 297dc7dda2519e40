"""`image-folder`: a user's own images, one sub-folder per class, or `train`, `val` and `test` with those inside."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pipeline.data.decode import decode
from pipeline.data.listing import class_files, strangers, visible_folders
from pipeline.data.source import Image, Item, Source
from pipeline.errors import SixfoldError

# What a user may call each split. `train` must be there for the others to be taken as splits and not as classes.
SPLIT_FOLDERS: dict[str, Literal["train", "validation", "test"]] = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


def open_image_folder(folder: Path, image_size: int, channels: int, central_crop: float = 1.0) -> Source:
    """List the images of `folder`.

    Classes are the sub-folders' names in sorted order; where all names are numbers, they are the class indices. Folders
    inside a class folder belong to the class. Hidden files and files that are no images are left out and reported.

    Raises:
        SixfoldError: no such folder, no images, a single class, a class without images, a class that only some splits
            have, numbers with a gap, or splits where they would be taken for classes or for parts of a class.
    """
    if not folder.is_dir():
        raise SixfoldError(
            f"{folder}: no such folder; set image_folder in params.yaml to one with a sub-folder per class"
        )
    ignored: list[str] = []
    splits = _splits(folder)
    names = sorted({entry.name for root in splits for entry in visible_folders(root)})
    if not names:
        raise SixfoldError(f"{folder}: no images; put them into one sub-folder per class")
    if len(names) == 1:
        raise SixfoldError(f"{folder}: a single class, {names[0]!r}; a classifier needs at least two sub-folders")
    classes = _class_order(names, folder)
    items: list[Item] = []
    _refuse_misplaced_splits(splits)
    for root, split in splits.items():
        ignored += strangers(root, folder)
        for label, name in enumerate(classes):
            images, others = class_files(root / name)
            if not images:
                raise SixfoldError(f"{root / name}: class {name!r} has no images; add some or remove the folder")
            items += [Item(path.relative_to(folder).as_posix(), label, split) for path in images]
            ignored += [path.relative_to(folder).as_posix() for path in others]

    def read(index: int) -> Image:
        return decode(folder / items[index].name, image_size, channels, central_crop)

    return Source(
        name="image-folder",
        classes=tuple(classes),
        items=tuple(items),
        read=read,
        licence="the user's own images",
        ignored=tuple(ignored),
    )


def _splits(folder: Path) -> dict[Path, Literal["train", "validation", "test"] | None]:
    """The folders that hold class folders. `train` may be a class too: then it holds no folders."""
    entries = visible_folders(folder)
    inside = {entry.name for entry in entries}
    if "train" not in inside or not inside <= SPLIT_FOLDERS.keys() or not any(visible_folders(folder / "train")):
        return {folder: None}
    found = {entry: SPLIT_FOLDERS[entry.name] for entry in entries}
    if len(set(found.values())) != len(found):
        raise SixfoldError(f"{folder}: two folders are the validation split; keep one of {', '.join(sorted(inside))}")
    return dict(found)


def _refuse_misplaced_splits(roots: Iterable[Path]) -> None:
    """A training set must never be mixed with its test set only because the two lie where classes are expected."""
    for root in roots:
        for entry in visible_folders(root):
            inner = visible_folders(entry)
            if entry.name.lower() in SPLIT_FOLDERS and inner:
                raise SixfoldError(
                    f"{entry}: has folders inside, as a split has, but splits are train, and val or test, with nothing "
                    "beside them; move or rename the other folders"
                )
            for folder in inner:
                if folder.name.lower() in SPLIT_FOLDERS:
                    raise SixfoldError(
                        f"{folder}: a split inside a class; put the classes into the splits, as in "
                        f"{folder.name}/{entry.name}"
                    )


def _class_order(names: list[str], folder: Path) -> list[str]:
    if not all(name.isascii() and name.isdecimal() for name in names):
        return names
    by_index = {int(name): name for name in names}
    for index in range(len(names)):
        if index not in by_index:
            raise SixfoldError(
                f"{folder}: class folders are numbers, so they are the class indices, but {index} is missing; "
                f"name them 0 to {len(names) - 1}"
            )
    return [by_index[index] for index in range(len(names))]

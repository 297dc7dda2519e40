"""What lies in a folder of images, in an order that does not depend on the machine."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import Image as Pillow

from pipeline.errors import SixfoldError


def strangers(root: Path, folder: Path) -> Iterator[str]:
    """What lies beside the class folders of `root`."""
    for entry in sorted_entries(root):
        if not entry.is_dir() or entry.name.startswith("."):
            yield entry.relative_to(folder).as_posix()


def visible_folders(folder: Path) -> list[Path]:
    """Sub-folders whose names do not start with a dot."""
    return [entry for entry in sorted_entries(folder) if entry.is_dir() and not entry.name.startswith(".")]


def sorted_entries(folder: Path) -> list[Path]:
    """Everything in a folder, or nothing where there is no such folder.

    Raises:
        SixfoldError: it cannot be read.
    """
    # By name and not by what the file system happens to give: the split must not depend on the machine.
    try:
        return sorted(folder.iterdir(), key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SixfoldError(f"{folder}: cannot be read ({error.strerror})") from error


def class_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The images of a class folder, those in its sub-folders too, and what else lies there; both sorted.

    Hidden folders and links to folders are not entered: a link may lead to another class, or back.

    Raises:
        SixfoldError: a folder cannot be read.
    """
    images: list[Path] = []
    others: list[Path] = []
    for entry in sorted_entries(folder):
        if entry.is_dir() and not entry.name.startswith(".") and not entry.is_symlink():
            inner_images, inner_others = class_files(entry)
            images += inner_images
            others += inner_others
        elif entry.is_file() and is_image(entry):
            images.append(entry)
        else:
            others.append(entry)
    return images, others


def is_image(path: Path) -> bool:
    """Whether the name is an image's; hidden files are none."""
    return not path.name.startswith(".") and path.suffix.lower() in _image_suffixes()


@cache
def _image_suffixes() -> frozenset[str]:
    Pillow.init()
    return frozenset(suffix for suffix, name in Pillow.registered_extensions().items() if name in Pillow.OPEN)

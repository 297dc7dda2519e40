"""`imagenet`: a user's own ImageNet photographs for the packaged weights, in ``calibration/`` and ``test/``."""

from pathlib import Path

from pipeline.data.class_folders import labelled_images
from pipeline.data.decode import decode
from pipeline.data.source import Image, Item, Source, Split
from pipeline.errors import SixfoldError

CLASSES = 1000
FOLDERS: tuple[Split, ...] = ("calibration", "test")


def open_imagenet(folder: Path, image_size: int, channels: int, central_crop: float) -> Source:
    """List ``calibration/`` and ``test/`` in `folder`, each with class folders named by index (0 to 999, some absent).

    Raises:
        SixfoldError: one of the two is missing or has no images, or the images are not to be RGB.
    """
    if channels != 3:
        raise SixfoldError(f"params.yaml: data.channels: imagenet's photographs are RGB; set it to 3, not {channels}")
    items: list[Item] = []
    ignored: list[str] = []
    for split in FOLDERS:
        found = labelled_images(folder / split, CLASSES)
        ignored += [f"{split}/{name}" for name in found.ignored]
        items += [
            Item(path.relative_to(folder).as_posix(), label, split)
            for path, label in zip(found.paths, found.labels, strict=True)
        ]

    def read(index: int) -> Image:
        return decode(folder / items[index].name, image_size, channels, central_crop)

    return Source(
        name="imagenet",
        # The packaged weights come without names.
        classes=tuple(str(index) for index in range(CLASSES)),
        items=tuple(items),
        read=read,
        licence="the user's own images",
        ignored=tuple(ignored),
        trains=False,
    )

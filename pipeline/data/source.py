"""What a data set is before it is prepared: named images with labels, decoded one at a time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[np.uint8]
"""Pixels (height, width, channels), 0..255."""

Split: TypeAlias = Literal["train", "validation", "test", "calibration"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test", "calibration")


class UnreadableImageError(Exception):
    """One image cannot be decoded; the message is the reason. It is skipped and reported, never guessed."""


@dataclass(frozen=True)
class Item:
    """One image.

    Attributes:
        name: how it is reported; relative, so that it is the same on every machine.
        label: class index.
        split: where the user put it, or None to have it assigned.
    """

    name: str
    label: int
    split: Split | None = None


@dataclass(frozen=True)
class Source:
    """All images of a data set, in a fixed order.

    Attributes:
        name: as in params.yaml.
        classes: name of each class index.
        read: decode item number i to uint8 (size, size, channels); safe to call from several threads; raises
            :class:`UnreadableImageError`.
        licence: under which the images come.
        ignored: files that are no images of any class, as reported.
        trains: whether there is anything to train on; without, every image is where the user put it (calibration or
            test), train and validation are empty, and a class may have no images.
    """

    name: str
    classes: tuple[str, ...]
    items: tuple[Item, ...]
    read: Callable[[int], Image]
    licence: str
    ignored: tuple[str, ...] = field(default=())
    trains: bool = True

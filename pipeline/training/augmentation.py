"""Random changes to training images that leave their class what it is (kornia)."""

from typing import Literal

import kornia.augmentation as K
from torch import nn

Augmentation = Literal["digits", "photographs", "none"]


def make_augmentation(name: Augmentation, image_size: int, channels: int) -> nn.Module:
    """A module from pixels (N, channels, size, size) scaled to 0..1 to others of the same shape and range.

    * `digits`: small rotations, shifts, scalings and shears, black moving in. Mirror images would be other characters.
    * `photographs`: a random crop resized, mirrored left to right, brightness and contrast, for RGB saturation and hue.
    * `none`: the images themselves.

    Random numbers come from torch's global generator.
    """
    match name:
        case "none":
            return nn.Identity()
        case "digits":
            affine = K.RandomAffine(degrees=15, translate=(0.1, 0.1), scale=(0.8, 1.2), shear=15, p=1.0)
            return K.AugmentationSequential(affine, data_keys=["input"])
        case "photographs":
            steps: list[K.AugmentationBase2D] = [
                K.RandomResizedCrop((image_size, image_size), scale=(0.8, 1.0), ratio=(0.9, 1.1), p=1.0),
                K.RandomHorizontalFlip(p=0.5),
            ]
            if channels == 3:
                steps.append(K.ColorJiggle(brightness=0.1, contrast=0.1, saturation=0.1, hue=0.02, p=0.8))
            else:
                steps += [K.RandomBrightness((0.9, 1.1), p=0.8), K.RandomContrast((0.9, 1.1), p=0.8)]
            return K.AugmentationSequential(*steps, data_keys=["input"])

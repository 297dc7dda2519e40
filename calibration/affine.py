"""Scale and zero point of a real interval."""

import numpy as np


def affine_quantization(low: float, high: float) -> tuple[np.float32, np.int8]:
    """Cover ``[low, high]`` by the 256 int8 codes such that real zero has a code of its own.

    Source: Jacob et al. 2018, section 2.1 and 3; the interval is widened to hold zero, since padding needs it.

    Args:
        low: least value; finite.
        high: greatest value; finite, and greater than `low` or not both zero.

    Returns:
        ``(scale, zero point)``; for ``[0, 1]`` exactly 1/255 and -128, so that an 8-bit pixel p has code p - 128.

    Raises:
        ValueError: not finite, reversed, or the empty interval at zero.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if not np.isfinite([low, high]).all() or low >= high:
        raise ValueError(f"[{low}, {high}] is not a quantisable interval")
    scale = np.float32((high - low) / 255)
    return scale, zero_point_of(low, scale)


def zero_point_of(low: float, scale: np.float32) -> np.int8:
    """The code of zero if `low` <= 0 has the least code, or as near to that as a code can be."""
    return np.int8(np.clip(np.rint(-128 - low / np.float64(scale)), -128, 127))

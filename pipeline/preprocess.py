"""From the camera's bytes to the network's input: the same tables in training, in the reference and on a board.

A pixel has 256 values, so normalising it, and quantising the result, are look-ups. Every part of the pipeline reads the
tables made here; none repeats their arithmetic.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.errors import SixfoldError

Images: TypeAlias = npt.NDArray[np.uint8]
"""Pixels (N, height, width, channels), 0..255."""


@dataclass(frozen=True)
class Normalization:
    """Real value of a pixel p of channel c: ``(p / 255 - mean[c]) / std[c]``.

    Attributes:
        mean: one finite number per channel, of pixels scaled to 0..1.
        std: one finite positive number per channel.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.mean or len(self.mean) != len(self.std):
            raise SixfoldError(
                f"normalisation: mean has {len(self.mean)} values and std {len(self.std)}; give one each"
            )
        if not np.isfinite([*self.mean, *self.std]).all() or min(self.std) <= 0:
            raise SixfoldError(f"normalisation: mean {self.mean} must be finite and std {self.std} finite and above 0")

    @property
    def channels(self) -> int:
        """Channels of the images it applies to."""
        return len(self.mean)


def pixel_table(normalization: Normalization) -> npt.NDArray[np.float32]:
    """The real value of each pixel: float32 (channels, 256), worked out in float64 and rounded once."""
    pixels = np.arange(256, dtype=np.float64) / 255
    mean = np.asarray(normalization.mean, dtype=np.float64)[:, np.newaxis]
    std = np.asarray(normalization.std, dtype=np.float64)[:, np.newaxis]
    return ((pixels - mean) / std).astype(np.float32)


def quantized_pixel_table(normalization: Normalization, scale: float, zero_point: int) -> npt.NDArray[np.int8]:
    """The int8 code of each pixel: (channels, 256).

    The arithmetic is that of ONNX QuantizeLinear: x / scale in float32, rounded half to even, plus the zero point,
    saturated to -128..127.

    Args:
        normalization: as the network was trained with.
        scale: real value of one step; finite and positive as float32.
        zero_point: the code of real zero, -128..127.

    Raises:
        SixfoldError: scale or zero point outside these ranges.
    """
    step = np.float32(scale)
    if not np.isfinite(step) or step <= 0:
        raise SixfoldError(f"input scale {scale} must be finite and above 0")
    if not -128 <= zero_point <= 127:
        raise SixfoldError(f"input zero point {zero_point} must be in -128..127")
    # A tiny scale overflows to infinity, which saturates as it should.
    with np.errstate(over="ignore"):
        codes = np.rint(pixel_table(normalization) / step) + np.float32(zero_point)
        result: npt.NDArray[np.int8] = np.clip(codes, -128, 127).astype(np.int8)
    return result


def normalise(images: Images, normalization: Normalization) -> npt.NDArray[np.float32]:
    """The network's real input.

    Args:
        images: uint8 (N, height, width, channels).
        normalization: one mean and std per channel.

    Returns:
        float32 (N, channels, height, width), contiguous.

    Raises:
        SixfoldError: wrong type, rank or number of channels.
    """
    _check(images, normalization)
    table = pixel_table(normalization)
    result = np.empty((images.shape[0], images.shape[3], *images.shape[1:3]), dtype=np.float32)
    for channel in range(images.shape[3]):
        np.take(table[channel], images[..., channel], out=result[:, channel])
    return result


def quantize_pixels(
    images: Images, normalization: Normalization, scale: float, zero_point: int
) -> npt.NDArray[np.int8]:
    """The network's int8 input, bit for bit what QuantizeLinear makes of :func:`normalise`.

    Args:
        images: uint8 (N, height, width, channels).
        normalization: one mean and std per channel.
        scale: of the input tensor.
        zero_point: of the input tensor, -128..127.

    Returns:
        int8 (N, height, width, channels), contiguous.

    Raises:
        SixfoldError: wrong type, rank, number of channels, scale or zero point.
    """
    _check(images, normalization)
    table = quantized_pixel_table(normalization, scale, zero_point)
    result = np.empty(images.shape, dtype=np.int8)
    for channel in range(images.shape[3]):
        result[..., channel] = table[channel][images[..., channel]]
    return result


def input_range(normalization: Normalization) -> tuple[float, float]:
    """The least and greatest real value that any pixel can have: the input's range, known before any image."""
    table = pixel_table(normalization)
    return float(table.min()), float(table.max())


def _check(images: Images, normalization: Normalization) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != normalization.channels:
        raise SixfoldError(
            f"images of type {images.dtype} and shape {images.shape}: expected uint8 "
            f"(N, height, width, {normalization.channels})"
        )

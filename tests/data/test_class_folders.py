from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.data.class_folders import labelled_images
from pipeline.data.imagenet import open_imagenet
from pipeline.errors import SixfoldError


def folder_of(root: Path, names: list[str], images: int = 2) -> Path:
    for number, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for index in range(images):
            pixels = np.full((40, 60, 3), 10 * number + index, np.uint8)
            Image.fromarray(pixels).save(root / name / f"{index}.png")
    return root


def test_names_are_indices_in_sorted_order(tmp_path):
    found = labelled_images(folder_of(tmp_path, ["pear", "apple"]), 2)
    assert [(p.parent.name, label) for p, label in zip(found.paths, found.labels, strict=True)] == [
        ("apple", 0),
        ("apple", 0),
        ("pear", 1),
        ("pear", 1),
    ]


def test_numbers_are_indices_themselves_and_some_may_be_absent(tmp_path):
    found = labelled_images(folder_of(tmp_path, ["0012", "2", "700"], images=1), 1000)
    assert found.labels == (2, 12, 700)


def test_what_is_no_image_is_reported(tmp_path):
    root = folder_of(tmp_path, ["0", "1"])
    (root / "notes.txt").touch()
    (root / "1" / "list.csv").touch()
    assert labelled_images(root, 2).ignored == ("notes.txt", "1/list.csv")


@pytest.mark.parametrize(
    ("names", "classes", "message"),
    [
        (["3"], 3, "the network has 3 classes, numbered 0 to 2"),
        (["1", "01"], 3, "two folders have the same number"),
        (["a", "b"], 3, "2 class folders, the network has 3 classes"),
        ([], 3, "no images"),
    ],
)
def test_folders_that_do_not_suit_the_network_are_refused(tmp_path, names, classes, message):
    with pytest.raises(SixfoldError, match=message):
        labelled_images(folder_of(tmp_path, names), classes)


def test_empty_folders_are_refused(tmp_path):
    with pytest.raises(SixfoldError, match="no images in 2 class folders"):
        labelled_images(folder_of(tmp_path, ["0", "1"], images=0), 2)


def test_imagenet_takes_every_image_from_where_it_was_put(tmp_path):
    folder_of(tmp_path / "calibration", ["0000", "0999"])
    folder_of(tmp_path / "test", ["0007"], images=1)
    source = open_imagenet(tmp_path, 32, 3, central_crop=0.875)
    assert [(item.label, item.split) for item in source.items] == [
        (0, "calibration"),
        (0, "calibration"),
        (999, "calibration"),
        (999, "calibration"),
        (7, "test"),
    ]
    assert (len(source.classes), source.trains) == (1000, False)
    assert source.read(3).shape == (32, 32, 3)


@pytest.mark.parametrize("present", ["calibration", "test"])
def test_imagenet_needs_both_folders(tmp_path, present):
    folder_of(tmp_path / present, ["0"])
    with pytest.raises(SixfoldError, match="no such folder"):
        open_imagenet(tmp_path, 32, 3, central_crop=1.0)


def test_imagenet_is_rgb(tmp_path):
    with pytest.raises(SixfoldError, match=r"data\.channels: imagenet's photographs are RGB"):
        open_imagenet(tmp_path, 32, 1, central_crop=1.0)

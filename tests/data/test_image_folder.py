"""Users' folders, as they are and as they should not be."""

from pathlib import Path

import pytest

from pipeline.data.image_folder import open_image_folder
from pipeline.errors import SixfoldError
from tests.data.folders import image_folder, write_image


def test_sorted_names_are_the_indices(tmp_path: Path) -> None:
    image_folder(tmp_path, {"zebra": 10, "ant": 20, "Bee": 30}, count=2)
    source = open_image_folder(tmp_path, 32, 3)
    assert source.classes == ("Bee", "ant", "zebra")
    assert [item.name for item in source.items if item.label == 2] == ["zebra/000.png", "zebra/001.png"]
    assert {item.split for item in source.items} == {None}
    assert source.read(0).shape == (32, 32, 3)


def test_numbers_are_the_indices(tmp_path: Path) -> None:
    image_folder(tmp_path, {str(number): 20 * number for number in range(11)}, count=1)
    source = open_image_folder(tmp_path, 32, 1)
    assert source.classes == tuple(str(number) for number in range(11))
    assert abs(int(source.read(10).mean()) - 200) < 20


def test_a_gap_in_the_numbers_is_refused(tmp_path: Path) -> None:
    image_folder(tmp_path, {"0": 10, "1": 20, "3": 30}, count=1)
    with pytest.raises(SixfoldError, match=r"2 is missing; name them 0 to 2"):
        open_image_folder(tmp_path, 32, 1)


@pytest.mark.parametrize("validation", ["val", "valid", "validation"])
def test_given_splits_are_kept(tmp_path: Path, validation: str) -> None:
    for split, count in (("train", 3), (validation, 2), ("test", 1)):
        image_folder(tmp_path, {"a": 10, "b": 20}, count, below=split)
    source = open_image_folder(tmp_path, 32, 1)
    assert source.classes == ("a", "b")
    placed = [item.split for item in source.items]
    assert [placed.count(name) for name in ("train", "validation", "test")] == [6, 4, 2]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    image_folder(tmp_path, {"train": 10, "test": 20}, count=1)
    assert open_image_folder(tmp_path, 32, 1).classes == ("test", "train")
    image_folder(tmp_path, {"bus": 30}, count=1)
    assert open_image_folder(tmp_path, 32, 1).classes == ("bus", "test", "train")


def test_strangers_are_ignored_and_reported(tmp_path: Path) -> None:
    image_folder(tmp_path, {"a": 10, "b": 20}, count=1)
    write_image(tmp_path / "loose.png")
    write_image(tmp_path / "a" / ".hidden.png")
    write_image(tmp_path / "a" / ".cache" / "x.png")
    write_image(tmp_path / ".thumbnails" / "x.png")
    (tmp_path / "b" / "notes.txt").write_text("x")
    source = open_image_folder(tmp_path, 32, 1)
    assert [item.name for item in source.items] == ["a/000.png", "b/000.png"]
    assert source.ignored == (".thumbnails", "loose.png", "a/.cache", "a/.hidden.png", "b/notes.txt")


def test_folders_inside_a_class_belong_to_it(tmp_path: Path) -> None:
    for name in ("a/0.png", "a/deeper/x.png", "a/deeper/still/y.png", "a/z.png", "b/only/below.png"):
        write_image(tmp_path / name)
    (tmp_path / "b" / "only" / "notes.txt").write_text("x")
    source = open_image_folder(tmp_path, 32, 1)
    assert [(item.name, item.label) for item in source.items] == [
        ("a/0.png", 0),
        ("a/deeper/still/y.png", 0),
        ("a/deeper/x.png", 0),
        ("a/z.png", 0),
        ("b/only/below.png", 1),
    ]
    assert source.ignored == ("b/only/notes.txt",)
    assert source.read(2).shape == (32, 32, 1)


def test_links_to_folders_are_not_entered(tmp_path: Path) -> None:
    image_folder(tmp_path, {"a": 10, "b": 20}, count=1)
    (tmp_path / "a" / "round").symlink_to(tmp_path, target_is_directory=True)
    source = open_image_folder(tmp_path, 32, 1)
    assert [item.name for item in source.items] == ["a/000.png", "b/000.png"]
    assert source.ignored == ("a/round",)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            ("train/a/0.png", "train/b/0.png", "test/a/0.png", "test/b/0.png", "sketches/0.png"),
            "test: has folders inside",
        ),
        (("Train/a/0.png", "Train/b/0.png", "Test/a/0.png", "Test/b/0.png"), "Test: has folders inside"),
        (("a/test/0.png", "a/train/1.png", "b/test/0.png", "b/train/1.png"), "as in test/a"),
    ],
)
def test_splits_are_never_taken_for_classes(tmp_path: Path, images: tuple[str, ...], message: str) -> None:
    for name in images:
        write_image(tmp_path / name)
    with pytest.raises(SixfoldError, match=message):
        open_image_folder(tmp_path, 32, 1)


def test_capital_suffixes_are_images(tmp_path: Path) -> None:
    image_folder(tmp_path, {"a": 10}, count=1)
    write_image(tmp_path / "b" / "X.JPG")
    assert len(open_image_folder(tmp_path, 32, 1).items) == 2


def test_nothing_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SixfoldError, match="no such folder; set image_folder in params.yaml"):
        open_image_folder(tmp_path / "absent", 32, 1)
    with pytest.raises(SixfoldError, match="no images; put them into"):
        open_image_folder(tmp_path, 32, 1)
    write_image(tmp_path / "loose.png")
    with pytest.raises(SixfoldError, match="no images; put them into"):
        open_image_folder(tmp_path, 32, 1)


def test_a_single_class_is_one_clear_error(tmp_path: Path) -> None:
    image_folder(tmp_path, {"only": 10})
    with pytest.raises(SixfoldError, match="a single class, 'only'"):
        open_image_folder(tmp_path, 32, 1)


def test_an_empty_class_is_one_clear_error(tmp_path: Path) -> None:
    image_folder(tmp_path, {"a": 10, "b": 20})
    (tmp_path / "c").mkdir()
    with pytest.raises(SixfoldError, match=r"c: class 'c' has no images"):
        open_image_folder(tmp_path, 32, 1)


def test_a_class_that_only_train_has_is_one_clear_error(tmp_path: Path) -> None:
    image_folder(tmp_path, {"a": 10, "b": 20}, below="train")
    image_folder(tmp_path, {"a": 10}, below="val")
    with pytest.raises(SixfoldError, match=r"val/b: class 'b' has no images"):
        open_image_folder(tmp_path, 32, 1)


def test_two_validation_folders_are_one_clear_error(tmp_path: Path) -> None:
    for split in ("train", "val", "validation"):
        image_folder(tmp_path, {"a": 10, "b": 20}, count=1, below=split)
    with pytest.raises(SixfoldError, match="two folders are the validation split"):
        open_image_folder(tmp_path, 32, 1)

"""Writing the prepared folder and opening it again, whole and damaged."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import write
from pipeline.data.image_folder import open_image_folder
from pipeline.data.prepared import PreparedDataset
from pipeline.data.source import SPLITS
from pipeline.data.write import write_prepared
from pipeline.errors import SixfoldError
from pipeline.params import DataParams
from tests.data.folders import image_folder

PARAMS = DataParams(
    source="image-folder",
    image_size=32,
    channels=1,
    mean=(0.25,),
    std=(0.5,),
    validation=0.2,
    test=0.2,
    calibration=6,
    seed=6,
)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return image_folder(tmp_path / "images", {"dark": 40, "light": 220}, count=15)


def _prepare(images: Path, folder: Path) -> PreparedDataset:
    write_prepared(open_image_folder(images, 32, 1), PARAMS, folder)
    return PreparedDataset.load(folder)


def test_what_is_written_is_what_is_read(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "ROWS_AT_ONCE", 4)
    dataset = _prepare(images, tmp_path / "prepared")
    assert dataset.names == ("dark", "light")
    assert dataset.source == "image-folder"
    assert (dataset.normalization.mean, dataset.normalization.std) == ((0.25,), (0.5,))
    assert [len(dataset.labels(split)) for split in SPLITS] == [18, 6, 6, 6]
    for split in SPLITS:
        pixels, labels = dataset.images(split), dataset.labels(split)
        assert pixels.shape == (len(labels), 32, 32, 1)
        assert pixels.dtype == np.uint8
        # The pictures say which class they are, so a row that moved would show.
        np.testing.assert_array_equal(pixels.mean(axis=(1, 2, 3)) > 128, labels == 1)
        assert dataset.description.counts[split] == tuple(np.bincount(labels))
    train = {image.tobytes() for image in dataset.images("train")}
    assert {image.tobytes() for image in dataset.images("calibration")} <= train
    assert not {image.tobytes() for image in dataset.images("test")} & train
    assert sorted(path.name for path in (tmp_path / "prepared").iterdir()) == sorted(
        ["dataset.json", *(f"{split}.{part}.npy" for split in SPLITS for part in ("images", "labels"))]
    )


def test_twice_is_the_same_bytes(images: Path, tmp_path: Path) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        _prepare(images, folder)
    for path in folders[0].iterdir():
        assert path.read_bytes() == (folders[1] / path.name).read_bytes()


def test_unreadable_images_are_skipped_and_named(images: Path, tmp_path: Path) -> None:
    victim = images / "dark" / "003.png"
    victim.write_bytes(victim.read_bytes()[:100])
    (images / "light" / "empty.jpg").write_bytes(b"")
    dataset = _prepare(images, tmp_path / "prepared")
    assert [file.name for file in dataset.description.skipped] == ["dark/003.png", "light/empty.jpg"]
    assert all(file.reason for file in dataset.description.skipped)
    assert sum(len(dataset.labels(split)) for split in SPLITS if split != "calibration") == 29


def test_a_class_without_readable_images_is_one_error_and_leaves_the_old_folder(images: Path, tmp_path: Path) -> None:
    _prepare(images, tmp_path / "prepared")
    before = (tmp_path / "prepared" / "dataset.json").read_bytes()
    for path in (images / "dark").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(SixfoldError, match=r"class 'dark' has no readable image; of it was skipped dark/000.png"):
        _prepare(images, tmp_path / "prepared")
    for path in (images / "light").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(SixfoldError, match="none of 30 images can be read"):
        _prepare(images, tmp_path / "prepared")
    assert (tmp_path / "prepared" / "dataset.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "prepared"]


def test_a_missing_folder_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(SixfoldError, match=r"dataset\.json: not found; run `dvc repro`"):
        PreparedDataset.load(tmp_path)


@pytest.fixture
def prepared(images: Path, tmp_path: Path) -> Path:
    _prepare(images, tmp_path / "prepared")
    return tmp_path / "prepared"


def test_truncated_and_missing_arrays_are_named(prepared: Path) -> None:
    path = prepared / "test.images.npy"
    whole = path.read_bytes()
    for content in (whole[:-100], whole[:40], b"", b"text"):
        path.write_bytes(content)
        with pytest.raises(SixfoldError, match=r"test\.images\.npy: damaged"):
            PreparedDataset.load(prepared)
    path.unlink()
    with pytest.raises(SixfoldError, match=r"test\.images\.npy: not found"):
        PreparedDataset.load(prepared)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train.images.npy", np.zeros((18, 32, 32, 3), np.uint8), r"expected uint8 of \(18, 32, 32, 1\)"),
        ("train.images.npy", np.zeros((18, 32, 32, 1), np.float32), "float32 of shape"),
        ("train.labels.npy", np.full(18, 7, np.int64), "labels do not agree"),
        ("train.labels.npy", np.full(18, -1, np.int64), "labels do not agree"),
        ("train.labels.npy", np.zeros(18, np.int64), "labels do not agree"),
        ("train.labels.npy", np.zeros(17, np.int64), "expected int64"),
    ],
)
def test_arrays_that_do_not_fit_are_named(prepared: Path, name: str, array: np.ndarray, message: str) -> None:
    np.save(prepared / name, array)
    with pytest.raises(SixfoldError, match=rf"{name}: .*{message}"):
        PreparedDataset.load(prepared)


def test_a_pickle_is_never_opened(prepared: Path) -> None:
    np.save(prepared / "train.labels.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(SixfoldError, match=r"train\.labels\.npy: damaged"):
        PreparedDataset.load(prepared)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("labels", ["one"], "labels"),
        ("counts", {"train": [9, 9]}, r"counts\.validation: missing"),
        ("mean", [0.0, 0.0], "normalisation"),
        ("extra", 1, "extra: unknown key"),
    ],
)
def test_a_wrong_description_is_named(prepared: Path, field: str, value: object, message: str) -> None:
    path = prepared / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(SixfoldError, match=message):
        PreparedDataset.load(prepared)

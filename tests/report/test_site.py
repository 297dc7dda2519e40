import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import SixfoldError
from pipeline.files import sha256_file
from pipeline.report.inputs import load_inputs
from pipeline.report.site import HISTORY, PAGE, PROFILES, SITE, write_site
from tests.report.repository import TARGETS, write
from tests.report.test_page import read, words

SIDE = 32


def add_images(
    root: Path,
    labels: list[int],
    predicted: list[int],
    channels: int = 1,
    names: tuple[str, str, str] = ("0", "1", "2"),
) -> np.ndarray:
    """A prepared data set whose test split is of random images, and the predictions of it."""
    folder = root / "data/prepared"
    pixels = np.random.default_rng(6).integers(0, 256, (len(labels), SIDE, SIDE, channels), dtype=np.uint8)
    for split in ("train", "validation", "calibration"):
        np.save(folder / f"{split}.images.npy", pixels[:0])
        np.save(folder / f"{split}.labels.npy", np.empty(0, np.int64))
    np.save(folder / "test.images.npy", pixels)
    np.save(folder / "test.labels.npy", np.array(labels, np.int64))
    empty = {split: [0, 0, 0] for split in ("train", "validation", "calibration")}
    counts = {**empty, "test": np.bincount(labels, minlength=3).tolist()}
    write(
        folder / "dataset.json",
        {
            **json.loads((folder / "dataset.json").read_text()),
            **{"image_size": SIDE, "channels": channels, "mean": [0.0] * channels, "std": [1.0] * channels},
            **{"central_crop": 1.0, "counts": counts},
        },
    )
    rows = [f"{names[actual]},{names[seen]}" for actual, seen in zip(labels, predicted, strict=True)]
    (root / "reports/confusion.csv").write_text("\n".join(["actual,predicted", *rows]) + "\n")
    return pixels


def site(root: Path) -> str:
    write_site(load_inputs(TARGETS, root), "digits", root)
    return (root / PAGE).read_text()


def files_on_the_page(root: Path, html: str) -> set[str]:
    found = {link.partition("#")[0] for link in read(html).fetched} - {"data:,"}
    assert all((root / SITE / link).is_file() for link in found), found
    return found


def test_mistakes_are_shown_with_the_very_images_that_were_mistaken(repository: Path):
    pixels = add_images(repository, [0, 0, 1, 1, 2, 2], [0, 2, 1, 2, 2, 2])
    html = site(repository)
    found = files_on_the_page(repository, html)
    # One recognised image of each class, and the two mistakes.
    assert {link for link in found if "test-" in link} == {f"files/test-{index}.png" for index in (0, 1, 2, 3, 4)}
    for index in (1, 3):
        assert np.array_equal(
            np.asarray(Image.open(repository / SITE / f"files/test-{index}.png")), pixels[index, :, :, 0]
        )
    assert 'alt="test image 3: 1, taken for 2"' in html


def test_large_colour_images_are_scaled_down(repository: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.report.pictures.LARGEST_SIDE", 16)
    add_images(repository, [0, 1], [1, 1], channels=3)
    html = site(repository)
    image = Image.open(repository / SITE / "files/test-0.png")
    assert image.size == (16, 16) and image.mode == "RGB" and 'width="16" height="16"' in html


def test_predictions_of_other_images_show_none(repository: Path):
    add_images(repository, [0, 1, 2], [0, 1, 2])
    (repository / "reports/confusion.csv").write_text("actual,predicted\n2,2\n1,1\n0,1\n")
    assert not any("test-" in link for link in files_on_the_page(repository, site(repository)))


def test_a_damaged_data_set_is_named(repository: Path):
    add_images(repository, [0, 1, 2], [0, 1, 2])
    (repository / "data/prepared/test.labels.npy").write_bytes(b"no numbers")
    with pytest.raises(SixfoldError, match="test.labels.npy"):
        site(repository)


def test_the_memory_map_and_the_files_of_an_artefact_are_on_the_page(repository: Path):
    folder = repository / "artifacts/mps2-an386"
    folder.mkdir(parents=True)
    (folder / "memory_map.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>')
    (folder / "firmware.elf").write_bytes(b"\x7fELF")
    html = site(repository)
    copied = repository / SITE / "files/memory-mps2-an386.svg"
    assert copied.read_bytes() == (folder / "memory_map.svg").read_bytes()
    assert "files/memory-mps2-an386.svg" in files_on_the_page(repository, html)
    assert sha256_file(folder / "firmware.elf") in html


def test_the_pages_link_to_each_other_and_to_each_target(repository: Path):
    html = site(repository)
    history, profiles = ((repository / page).read_text() for page in (HISTORY, PROFILES))
    assert files_on_the_page(repository, html) == {"history.html", "profiles.html"}
    assert files_on_the_page(repository, history) == files_on_the_page(repository, profiles) == {"index.html"}

    def linked(text: str, page: str) -> set[str]:
        return set(re.findall(rf'href="{page}\.html#([^"]*)"', text))

    assert linked(history, "index") == {f"target-{name}" for name in TARGETS} <= set(read(html).ids)
    assert linked(profiles, "index") == linked(html, "profiles") == {"target-mps2-an386"} <= set(read(profiles).ids)
    assert "Not available" not in words(history)


def test_what_an_earlier_report_left_is_gone_and_the_rest_is_the_same_bytes(repository: Path):
    add_images(repository, [0, 1, 2, 2], [0, 1, 2, 1])
    site(repository)
    first = {path: path.read_bytes() for path in sorted((repository / SITE).rglob("*")) if path.is_file()}
    (repository / SITE / "files/test-99.png").write_bytes(b"old")
    site(repository)
    assert {path: path.read_bytes() for path in sorted((repository / SITE).rglob("*")) if path.is_file()} == first

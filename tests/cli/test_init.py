import json
import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.data.prepared import PREPARED_FOLDER, Description
from pipeline.data.write import write_prepared
from pipeline.params import load_params
from pipeline.stages.prepare import open_source
from tests.cli.project import ROOT, command, environment
from tests.cli.running import run


def fill(folder: Path, counts: dict[str, int], mode: str = "RGB", side: int = 40) -> Path:
    """A folder of random images."""
    rng = np.random.default_rng(0)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            shape = (side, side + 8, 3) if mode == "RGB" else (side, side + 8)
            Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / name / f"{index}.png")
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "targets", tmp_path / "targets")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_params_name_the_folder_and_what_was_given(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(project / "photos", {"apple": 12, "pear": 12})
    flags = ["--size", "32", "--width", "0.5", "--epochs", "3", "--target", "mps2-an386", "--target", "host-tvm"]
    before = (project / "params.yaml").read_text()
    assert run(monkeypatch, "init", "photos", *flags, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["folder"]["images"] == {"apple": 12, "pear": 12} and printed["folder"]["channels"] == 3
    params = load_params()
    chosen = params.selected
    assert (params.experiment, params.image_folder) == ("image-folder", "photos")
    assert (chosen.data.image_size, chosen.data.channels, chosen.data.std) == (32, 3, (1.0, 1.0, 1.0))
    assert (chosen.model.width, chosen.model.stem_stride, chosen.train.epochs) == (0.5, 1, 3)
    assert list(params.targets) == ["mps2-an386", "host-tvm"] == printed["written"]["targets"]
    # Other experiments and all comments stay.
    after = (project / "params.yaml").read_text()
    assert [line for line in before.splitlines() if "#" in line and "image_size" not in line] == [
        line for line in after.splitlines() if "#" in line and "image_size" not in line
    ]
    # The splits that were promised are those that stage prepare makes.
    description: Description = write_prepared(
        open_source(chosen.data, Path(params.image_folder)), chosen.data, PREPARED_FOLDER
    )
    assert printed["splits"] == {split: sum(counts) for split, counts in description.counts.items()}


def test_grey_images_make_a_grey_network(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(project / "photos", {"a": 5, "b": 5}, mode="L")
    assert run(monkeypatch, "init", "photos") == 0
    assert load_params().selected.data.channels == 1 and load_params().selected.data.mean == (0.0,)


def test_what_the_images_do_not_decide_stays(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(project / "photos", {"a": 5, "b": 5})
    # As `dvc exp run --set-param` leaves lists behind.
    text = (project / "params.yaml").read_text()
    head, tail = text.split("  image-folder:", 1)
    tail = tail.replace("mean: [0.0, 0.0, 0.0]", "mean:\n      - 0.5\n      - 0.4\n      - 0.3", 1)
    (project / "params.yaml").write_text(f"{head}  image-folder:{tail}")
    assert run(monkeypatch, "init", "photos", "--epochs", "7") == 0
    assert load_params().selected.data.mean == (0.5, 0.4, 0.3) and load_params().selected.train.epochs == 7
    assert run(monkeypatch, "init", "photos", "--channels", "1") == 0
    assert load_params().selected.data.mean == (0.0,) and load_params().selected.data.std == (1.0,)


@pytest.mark.parametrize(
    ("mode", "mean", "std"),
    [("RGB", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), ("L", (0.449,), (0.226,))],
)
def test_imagenet_sets_all_that_its_weights_need(
    project: Path, monkeypatch: pytest.MonkeyPatch, mode: str, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    fill(project / "photos", {"a": 5, "b": 5}, mode=mode)
    assert run(monkeypatch, "init", "photos", "--imagenet") == 0
    chosen = load_params().selected
    assert (chosen.model.init, chosen.model.width, chosen.data.mean, chosen.data.std) == ("imagenet", 1.0, mean, std)
    assert run(monkeypatch, "init", "photos", "--from-scratch", "--width", "0.35") == 0
    chosen = load_params().selected
    assert (chosen.model.init, chosen.model.width, set(chosen.data.mean)) == ("scratch", 0.35, {0.0})


def test_what_is_wrong_with_the_folder_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = fill(project / "photos", {"few": 5, "many": 60}, side=20)
    (photos / "few" / "broken.jpg").write_text("no image")
    (photos / "few" / "notes.txt").write_text("hello")
    shutil.copy(photos / "few" / "0.png", photos / "many" / "same.png")
    shutil.copy(photos / "few" / "1.png", photos / "few" / "again.png")
    Image.new("RGB", (90, 30)).save(photos / "many" / "wide.png")
    before = (project / "params.yaml").read_bytes()
    assert run(monkeypatch, "init", "photos", "--check", "--size", "1024") == 0
    printed = capsys.readouterr().out
    for text in (
        "1 image cannot be read and will be skipped: few/broken.jpg: of no image format",
        "1 other file will be ignored: few/notes.txt",
        "fewer than 50 images say little about a class: few (6)",
        "the largest class has 62 images, the smallest 6",
        "1 image is in several classes: few/0.png = many/same.png",
        "1 image is there more than once, and may come into training and test both: few/1.png = few/again.png",
        "the smallest image is 20 pixels",
        "nucleo-f446re cannot hold this network: sram has",
        "each of 14 test images weighs 7.14 points of accuracy, more than the budget of host",
        "1 image is more than 2 times as long as wide; only the square in the middle is used: many/wide.png",
    ):
        assert f"warning: {text}" in printed
    assert (project / "params.yaml").read_bytes() == before


@pytest.mark.filterwarnings("error")
def test_transparent_palettes_are_read_without_a_word(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = fill(project / "photos", {"a": 5, "b": 5}, mode="L")
    palette = Image.new("P", (40, 40), 1)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.save(photos / "a" / "transparent.png", transparency=bytes([0, 128]))
    assert run(monkeypatch, "init", "photos", "--check", "--json") == 0
    printed = capsys.readouterr()
    # Half-transparent green on white is a colour.
    assert json.loads(printed.out)["folder"]["channels"] == 3 and printed.err == ""


@pytest.mark.parametrize(
    ("folder", "flags", "message"),
    [
        ("absent", [], "absent: no such folder; give"),
        ("photos/a/0.png", [], "0.png: a file; give"),
        ("photos", ["--size", "50"], "--size 50: should be a multiple of 32"),
        ("photos", ["--channels", "2"], "--channels 2: should be 1 or 3"),
        ("photos", ["--width", "0"], "--width 0: should be greater than 0"),
        ("photos", ["--imagenet", "--width", "0.5"], "--width 0.5: ImageNet's weights exist for width 1.0"),
        ("photos", ["--epochs", "-1"], "--epochs -1: should be greater than or equal to 0"),
        ("photos", ["--target", "nope"], "targets/nope.yaml: no such target"),
        ("lonely", [], "a single class"),
        ("broken", [], "none of the images of class 'b' can be read"),
        ("tiny", [], "too few"),
    ],
)
def test_what_cannot_be_trained_on_changes_nothing(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: str,
    flags: list[str],
    message: str,
) -> None:
    fill(project / "photos", {"a": 5, "b": 5})
    fill(project / "lonely", {"a": 5})
    fill(project / "tiny", {"a": 2, "b": 2})
    fill(project / "broken", {"a": 5, "b": 0})
    (project / "broken/b/x.png").write_text("no image")
    before = (project / "params.yaml").read_bytes()
    assert run(monkeypatch, "init", folder, *flags) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert (project / "params.yaml").read_bytes() == before


def test_on_a_terminal_it_asks(project: Path) -> None:
    fill(project / "photos", {"a": 5, "b": 5})
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("init", "photos", "--size", "64"),
        cwd=project,
        env={**environment(), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    answers = {b"channels": b"2\n1\n", b"width": b"wide\n0.75\n", b"passes": b"\n"}
    printed, deadline = b"", time.monotonic() + 90
    while process.poll() is None and time.monotonic() < deadline:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                printed += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        for question in [each for each in answers if each in printed]:
            os.write(ours, answers.pop(question))
    assert process.wait(30) == 0, printed
    os.close(ours)
    params = load_params().selected
    assert (params.data.image_size, params.data.channels, params.model.width) == (64, 1, 0.75)
    assert not answers and b"could not convert" in printed and b"should be 1 or 3" in printed

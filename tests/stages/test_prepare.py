"""Stage prepare, as a process."""

from pathlib import Path

import pytest

from pipeline.data.prepared import PreparedDataset
from tests.data.folders import image_folder
from tests.stages.running import REPOSITORY, run_stage, write_params


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_params(tmp_path)
    image_folder(tmp_path / "images", {"dark": 60, "light": 190})
    return tmp_path


def test_counts_and_what_was_left_out_are_shown(project: Path) -> None:
    victim = project / "images" / "dark" / "005.png"
    victim.write_bytes(victim.read_bytes()[:60])
    (project / "images" / "notes.txt").write_text("x")
    done = run_stage("prepare", project)
    assert done.returncode == 0, done.stderr
    assert "image-folder: 2 classes; images: train 13, validation 5, test 5, calibration 6" in done.stdout
    assert "1 unreadable images were skipped:\n  dark/005.png: " in done.stderr
    assert "1 other files were ignored:\n  notes.txt" in done.stderr
    dataset = PreparedDataset.load(project / "data" / "prepared")
    assert dataset.names == ("dark", "light")
    assert dataset.description.ignored == ("notes.txt",)


def test_bad_input_is_one_line_and_exit_code_2(project: Path) -> None:
    (project / "images" / "empty").mkdir()
    done = run_stage("prepare", project)
    assert done.returncode == 2
    assert done.stderr == "error: images/empty: class 'empty' has no images; add some or remove the folder\n"
    assert not (project / "data" / "prepared").exists()


@pytest.mark.slow
def test_the_repositorys_digits_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    contents = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        params = (REPOSITORY / "params.yaml").read_text()
        (folder / "params.yaml").write_text(params)
        done = run_stage("prepare", folder)
        assert done.returncode == 0, done.stderr
        contents.append({path.name: path.read_bytes() for path in (folder / "data" / "prepared").iterdir()})
    assert contents[0] == contents[1]

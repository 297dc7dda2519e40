"""Stage train, as a process: results, kills at any moment, several devices, bad input."""

import csv
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.models.checkpoint import load_model
from tests.stages.running import command, environment, run_stage, write_params
from tests.training.datasets import tiny_dataset

pytestmark = pytest.mark.slow

RESULTS = ("models/model.pt", "reports/train.json", "reports/training.csv")
EPOCHS = 6
AUGMENTED = {"epochs": EPOCHS, "augmentation": "photographs"}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared folder to copy."""
    return tiny_dataset(tmp_path_factory.mktemp("train")).folder


def _project(folder: Path, images: Path, **changes: object) -> Path:
    write_params(folder, train={**AUGMENTED, **changes})
    shutil.copytree(images, folder / "data" / "prepared")
    return folder


def _results(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in RESULTS}


@pytest.fixture(scope="module", params=["short", "paper"])
def recipe(request: pytest.FixtureRequest) -> str:
    """Both recipes."""
    return str(request.param)


@pytest.fixture(scope="module")
def undisturbed(recipe: str, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = _project(tmp_path_factory.mktemp("undisturbed"), images, recipe=recipe)
    done = run_stage("train", folder)
    assert done.returncode == 0, done.stderr
    assert "resuming" not in done.stdout
    return folder


def test_what_is_written(undisturbed: Path) -> None:
    report = json.loads((undisturbed / "reports/train.json").read_text())
    assert report["epochs"] == EPOCHS
    assert 1 <= report["best_epoch"] <= EPOCHS
    assert set(report["accuracy"]) == {"validation", "test"}
    assert report["parameters"] == sum(p.numel() for p in load_model(undisturbed / "models/model.pt").parameters())
    rows = list(csv.DictReader((undisturbed / "reports/training.csv").open()))
    assert list(rows[0]) == ["epoch", "train_loss", "validation_loss", "validation_accuracy", "lr"]
    assert [int(row["epoch"]) for row in rows] == list(range(1, EPOCHS + 1))
    best = max(rows, key=lambda row: float(row["validation_accuracy"]))
    assert int(best["epoch"]) == report["best_epoch"]
    assert float(best["validation_accuracy"]) == pytest.approx(report["accuracy"]["validation"], abs=1e-5)
    # Nothing of the run is left but its results.
    assert not list((undisturbed / "build" / "train").iterdir())


def _kill_when(folder: Path, ready: Callable[[Path], bool]) -> None:
    """Start the stage, and kill it outright as soon as `ready`."""
    with subprocess.Popen(command("train"), cwd=folder, env=environment(), stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 300
        while not ready(folder) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the stage ended before it could be killed"


def _checkpoints_seen(number: int) -> Callable[[Path], bool]:
    """True once the checkpoint has been written `number` times."""
    times: set[int] = set()

    def ready(folder: Path) -> bool:
        for path in folder.glob("build/train/*/last.ckpt"):
            times.add(path.stat().st_mtime_ns)
        return len(times) >= number

    return ready


def test_killed_and_run_again_is_the_same_bytes(undisturbed: Path, recipe: str, images: Path, tmp_path: Path) -> None:
    folder = _project(tmp_path, images, recipe=recipe)
    _kill_when(folder, _checkpoints_seen(EPOCHS // 2))
    assert not (folder / "models/model.pt").exists()
    done = run_stage("train", folder)
    assert done.returncode == 0, done.stderr
    assert "resuming build/train/" in done.stdout
    assert f"epoch {EPOCHS}/{EPOCHS}" in done.stdout
    assert "epoch 1/" not in done.stdout
    assert _results(folder) == _results(undisturbed)
    assert not list((folder / "build" / "train").iterdir())


def test_a_checkpoint_of_other_parameters_is_not_used(images: Path, tmp_path: Path) -> None:
    folder = _project(tmp_path, images, seed=1, epochs=2)
    _kill_when(folder, _checkpoints_seen(1))
    write_params(folder, train={**AUGMENTED, "seed": 2, "epochs": 2})
    done = run_stage("train", folder)
    assert done.returncode == 0, done.stderr
    assert "resuming" not in done.stdout
    assert "epoch 1/2" in done.stdout


def test_two_devices_train_one_network(images: Path, tmp_path: Path) -> None:
    folder = _project(tmp_path, images, devices=2, epochs=2)
    done = run_stage("train", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("best epoch") == 1
    assert set(_results(folder)) == set(RESULTS)


def test_a_batch_that_devices_cannot_share_is_named(images: Path, tmp_path: Path) -> None:
    done = run_stage("train", _project(tmp_path, images, batch_size=9, devices=2))
    assert done.returncode == 2
    assert done.stderr.startswith("error: params.yaml: train.batch_size: 9 images")


def test_a_loss_that_is_no_number_is_one_line(images: Path, tmp_path: Path) -> None:
    folder = _project(tmp_path, images, augmentation="none")
    description = folder / "data/prepared/dataset.json"
    content = json.loads(description.read_text())
    content["std"] = [1e-38]
    description.write_text(json.dumps(content))
    done = run_stage("train", folder)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: training: the loss became ")
    assert done.stderr.count("\n") == 1
    assert not (folder / "models").exists()


def test_missing_data_names_the_command(tmp_path: Path) -> None:
    write_params(tmp_path)
    done = run_stage("train", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: data/prepared/dataset.json: not found; run `dvc repro`, which makes it\n"


def test_it_learns(images: Path, tmp_path: Path) -> None:
    folder = _project(tmp_path, images, epochs=40, augmentation="none")
    done = run_stage("train", folder)
    assert done.returncode == 0, done.stderr
    report = json.loads((folder / "reports/train.json").read_text())
    assert report["accuracy"]["validation"] == 1.0
    assert np.isfinite(float(list(csv.DictReader((folder / "reports/training.csv").open()))[-1]["train_loss"]))

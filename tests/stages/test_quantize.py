"""Stage quantize: its outputs, calibration without images, and bad input as one line."""

import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from pipeline.data.prepared import PreparedDataset
from pipeline.graph.reader import read_graph
from pipeline.models.checkpoint import save_model
from pipeline.models.mobilenet_v2 import Architecture, MobileNetV2
from tests.stages.running import command, environment, run_stage, write_params
from tests.training.datasets import tiny_dataset

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quantize")
    data = tiny_dataset(folder / "made")
    (folder / "data").mkdir()
    data.folder.rename(folder / "data" / "prepared")
    torch.manual_seed(0)
    save_model(folder / "models" / "model.pt", MobileNetV2(Architecture(0.1, 2, 1, 1)))
    done = run_stage("export", folder)
    assert done.returncode == 0, done.stderr
    return folder


RESULTS = ("models/model.int8.onnx", "reports/quantize.json", "reports/confusion.csv")


def quantised(exported: Path, folder: Path, images: int) -> Path:
    """A copy of `exported` in which the stage ran, undisturbed."""
    write_params(folder, quantize={"calibration_images": images})
    shutil.copytree(exported / "data", folder / "data")
    (folder / "models").mkdir()
    shutil.copy(exported / "models" / "model.onnx", folder / "models")
    done = run_stage("quantize", folder)
    assert done.returncode == 0, done.stderr
    assert "resuming" not in done.stdout
    return folder


@pytest.fixture(scope="module")
def with_images(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quantised(exported, tmp_path_factory.mktemp("images"), 6)


@pytest.fixture(scope="module")
def without_images(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quantised(exported, tmp_path_factory.mktemp("none"), 0)


@pytest.mark.parametrize("name", ["with_images", "without_images"])
def test_the_stage_writes_graph_and_report(request: pytest.FixtureRequest, name: str) -> None:
    folder: Path = request.getfixturevalue(name)
    assert not list((folder / "build" / "quantize").iterdir())
    report = json.loads((folder / "reports" / "quantize.json").read_text())
    graph = read_graph(folder / "models" / "model.int8.onnx")
    assert report["model"]["graph_sha256"] == graph.sha256()
    assert [layer["name"] for layer in report["layers"]] == [operator.name for operator in graph.operators]
    assert report["sqnr_db"] > 10
    assert report["equalised"]["max_abs_diff"] <= report["equalised"]["bound"]
    assert all(0 < limits["least"] <= limits["r"] <= 6 for limits in report["relu6_ranges"])
    assert len(report["relu6_ranges"]) == 35
    assert "sixfold.labels" in graph.metadata


def test_without_images_the_same_again_is_the_same_bytes(without_images: Path) -> None:
    before = {name: (without_images / name).read_bytes() for name in RESULTS}
    done = run_stage("quantize", without_images)
    assert done.returncode == 0, done.stderr
    assert {name: (without_images / name).read_bytes() for name in RESULTS} == before


def test_a_weight_that_is_not_finite_is_one_line_and_exit_code_2(exported: Path, tmp_path: Path) -> None:
    write_params(tmp_path)
    (tmp_path / "data").symlink_to(exported / "data")
    model = onnx.load(exported / "models" / "model.onnx")
    name = "features.4.conv.2.weight"
    initializer = next(entry for entry in model.graph.initializer if entry.name == name)
    values = numpy_helper.to_array(initializer).copy()
    values[0] = np.nan
    initializer.CopyFrom(numpy_helper.from_array(values, name))
    (tmp_path / "models").mkdir()
    onnx.save(model, tmp_path / "models" / "model.onnx")
    done = run_stage("quantize", tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        f"error: models/model.onnx: node 'features.4.conv.2' (Conv): '{name}' holds NaN or infinite values\n"
    )


def _kill_when_kept(folder: Path, steps: int) -> None:
    """Start the stage, and kill it outright as soon as so many of its steps are kept."""
    with subprocess.Popen(command("quantize"), cwd=folder, env=environment(), stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 300
        while len(list(folder.glob("build/quantize/*/*.npz"))) < steps and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the stage ended before it could be killed"


def test_killed_twice_and_run_again_is_the_same_bytes(with_images: Path, tmp_path: Path) -> None:
    write_params(tmp_path)
    shutil.copytree(with_images / "data", tmp_path / "data")
    (tmp_path / "models").mkdir()
    shutil.copy(with_images / "models" / "model.onnx", tmp_path / "models")
    _kill_when_kept(tmp_path, 3)
    _kill_when_kept(tmp_path, 12)
    assert not (tmp_path / "models" / "model.int8.onnx").exists()
    done = run_stage("quantize", tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.match(r"resuming build/quantize/[0-9a-f]{16}: \d+ steps are done\n", done.stdout)
    for name in RESULTS:
        assert (tmp_path / name).read_bytes() == (with_images / name).read_bytes(), name
    data = PreparedDataset.load(with_images / "data" / "prepared")
    rows = (with_images / "reports" / "confusion.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == [data.names[label] for label in data.labels("test")]
    assert not list((tmp_path / "build" / "quantize").iterdir())

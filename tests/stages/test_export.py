"""Stage export: the check against torch, and bad input as one line."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from pipeline.errors import SixfoldError
from pipeline.models.checkpoint import save_model
from pipeline.models.mobilenet_v2 import Architecture, MobileNetV2
from pipeline.models.onnx_export import export_onnx, serialise
from pipeline.stages.export import compare
from tests.models.test_onnx_export import METADATA, lived_in_model
from tests.stages.running import run_stage
from tests.training.datasets import tiny_dataset

pytestmark = pytest.mark.slow

IMAGES = np.random.default_rng(0).random((8, 1, 64, 64), dtype=np.float32)


@pytest.fixture(scope="module")
def exported() -> onnx.ModelProto:
    return export_onnx(lived_in_model(), 64, METADATA)


def test_the_right_file_is_well_within_the_bound(exported: onnx.ModelProto) -> None:
    report = compare(lived_in_model(), serialise(exported), IMAGES)
    assert report["samples"] == 8
    assert report["same_class"] == 1.0
    assert report["onnx_error"] < report["bound"] / 4
    assert report["max_abs_diff"] < 1e-3


@pytest.mark.parametrize("change", ["one filter", "one bias", "NaN"])
def test_a_wrong_file_is_refused(exported: onnx.ModelProto, change: str) -> None:
    wrong = onnx.ModelProto()
    wrong.CopyFrom(exported)
    name = "classifier.1.bias" if change == "one bias" else "features.4.conv.2.weight"
    initializer = next(entry for entry in wrong.graph.initializer if entry.name == name)
    values = numpy_helper.to_array(initializer).copy()
    values[0] += np.nan if change == "NaN" else 0.05
    initializer.CopyFrom(numpy_helper.from_array(values, name))
    with pytest.raises(SixfoldError, match="logits differ from torch by up to"):
        compare(lived_in_model(), serialise(wrong), IMAGES)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    data = tiny_dataset(tmp_path / "made")
    (tmp_path / "data").mkdir()
    data.folder.rename(tmp_path / "data" / "prepared")
    torch.manual_seed(0)
    save_model(tmp_path / "models" / "model.pt", MobileNetV2(Architecture(0.1, 2, 1, 1)))
    return tmp_path


def test_twice_is_the_same_bytes(project: Path) -> None:
    contents = []
    for _ in range(2):
        done = run_stage("export", project)
        assert done.returncode == 0, done.stderr
        contents.append((project / "models/model.onnx").read_bytes())
    assert contents[0] == contents[1]
    report = json.loads((project / "reports/export.json").read_text())
    assert report["samples"] == 6  # all that there is to calibrate on
    assert report["onnx_error"] <= report["bound"]
    assert onnx.load_from_string(contents[0]).graph.input[0].name == "input"


def test_weights_that_are_no_numbers_are_named(project: Path) -> None:
    model = MobileNetV2(Architecture(0.1, 2, 1, 1))
    with torch.no_grad():
        model.features[7].conv[1][0].weight[0] = float("nan")
    save_model(project / "models" / "model.pt", model)
    done = run_stage("export", project)
    assert done.returncode == 2
    expected = "error: models/model.pt: features.7.conv.1.0.weight: 9 of 432 values are NaN or infinite; train again\n"
    assert done.stderr == expected
    assert not (project / "models/model.onnx").exists()


def test_a_model_of_other_data_is_refused(project: Path) -> None:
    save_model(project / "models" / "model.pt", MobileNetV2(Architecture(0.1, 3, 1, 1)))
    done = run_stage("export", project)
    assert done.returncode == 2
    assert "3 classes of 1-channel images, but data/prepared has 2 of 1" in done.stderr
    assert done.stderr.count("\n") == 1

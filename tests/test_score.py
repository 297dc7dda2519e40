import json

import numpy as np
import onnx
import pytest
from PIL import Image

from benchmarks.quantisation.onnxruntime_peer import quantize_by_onnxruntime
from pipeline.cli.app import app
from pipeline.errors import SixfoldError
from pipeline.float_model import float_logits
from pipeline.preprocess import Normalization
from pipeline.score import score_pair
from tests.onnx_models import float_model, images

NORMALIZATION = Normalization((0.0,) * 3, (1.0,) * 3)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A float model with metadata, its int8 model, and labelled images, one of which cannot be read."""
    root = tmp_path_factory.mktemp("score")
    model = float_model(0)
    for key, value in (("mean", [0.0] * 3), ("std", [1.0] * 3), ("central_crop", 1.0)):
        model.metadata_props.add(key=f"sixfold.{key}", value=json.dumps(value))
    onnx.save(model, root / "model.onnx")
    onnx.save(quantize_by_onnxruntime(float_model(0), images(16, 1)), root / "int8.onnx")
    pixels = (images(40, 2).transpose(0, 2, 3, 1) * 255).round().astype(np.uint8)
    predicted = float_logits(root / "model.onnx", pixels, NORMALIZATION).argmax(1)
    for number, (image, label) in enumerate(zip(pixels, predicted, strict=True)):
        # Every fifth image is filed under another class, so that no accuracy is 1.
        folder = root / "data" / str((label + (number % 5 == 0)) % 5)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG no more")
    return root


@pytest.mark.parametrize("reference", ["onnxruntime", "fixed-point", "float"])
def test_both_models_are_scored_on_the_same_images(project, reference):
    score = score_pair(project / "int8.onnx", project / "model.onnx", project / "data", reference)
    assert score.accuracy.samples == 40
    assert score.accuracy.fp32 == 0.8
    assert score.accuracy.agreement > 0.8
    assert score.sqnr_db is not None
    assert 10 < score.sqnr_db < 60
    assert [line.partition(":")[0].endswith("broken.png") for line in score.skipped] == [True]


def test_the_reference_of_the_float_family_is_near_what_onnxruntime_computes(project):
    first, second = (
        score_pair(project / "int8.onnx", project / "model.onnx", project / "data", reference).sqnr_db
        for reference in ("onnxruntime", "float")
    )
    assert first == pytest.approx(second, abs=1.0)


def test_the_command_prints_what_a_script_wants(project, capsys):
    arguments = [
        "evaluate",
        "--model",
        project / "int8.onnx",
        "--fp32",
        project / "model.onnx",
        "--data",
        project / "data",
    ]
    app([str(a) for a in [*arguments, "--json", "--reference", "fixed-point"]], standalone_mode=False)
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["reference"] == "fixed-point"
    assert result["accuracy"]["samples"] == 40
    assert "broken.png" in printed.err
    app([str(a) for a in arguments], standalone_mode=False)
    table = capsys.readouterr().out
    assert "logit SQNR" in table
    assert "80.00" in table


def test_another_normalisation_changes_the_result(project):
    other = Normalization((0.5,) * 3, (0.5,) * 3)
    score = score_pair(project / "int8.onnx", project / "model.onnx", project / "data", "float", other)
    assert score.accuracy.fp32 != 0.8


@pytest.mark.parametrize(
    ("int8", "fp32", "message"),
    [
        ("int8.onnx", "absent.onnx", r"absent\.onnx: cannot be read"),
        ("absent.onnx", "model.onnx", r"absent\.onnx: ONNX Runtime cannot load it"),
        ("model.onnx", "int8.onnx", "metadata sixfold.mean is missing"),
    ],
)
def test_a_missing_model_or_metadata_is_one_line(project, int8, fp32, message):
    with pytest.raises(SixfoldError, match=message) as error:
        score_pair(project / int8, project / fp32, project / "data", "onnxruntime")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("mean", "std", "message"), [("0.5", None, "belong together"), ("a", "1", "write for example --mean 0.5,0.5,0.5")]
)
def test_wrong_statistics_are_refused(project, mean, std, message):
    arguments = ["evaluate", "--data", str(project / "data"), "--mean", mean, *(["--std", std] if std else [])]
    with pytest.raises(SixfoldError, match=message):
        app(arguments, standalone_mode=False)

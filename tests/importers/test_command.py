"""`sixfold import` as a user runs it, and what comes after: build and verify without a float original."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.graph.reader import read_graph
from tests.importers.files import keras_like, small, with_metadata
from tests.stages.running import REPOSITORY, environment

LINKED = ("constraints.txt", "firmware", "params.yaml", "pyproject.toml", "targets")


@pytest.fixture
def repository(tmp_path) -> Path:
    """A folder with what build and verify read."""
    for name in LINKED:
        (tmp_path / name).symlink_to(REPOSITORY / name)
    return tmp_path


def sixfold(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=300
    )


def test_a_file_of_others_becomes_the_model(repository):
    (repository / "others.tflite").write_bytes(keras_like().finish())
    done = sixfold(repository, "import", "others.tflite", "--mean", "0.5", "--std", "0.5")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "others.tflite: operator 0 (QUANTIZE): left out; the graph takes the int8 codes"
    assert lines[-1] == (
        "models/model.int8.onnx: 8x8x3 to 5 classes: 6 Conv2D, 3 DepthwiseConv2D, 1 Add, 1 FullyConnected"
    )
    metadata = read_graph(repository / "models/model.int8.onnx").metadata
    assert json.loads(metadata["sixfold.mean"]) == [0.5] * 3
    assert json.loads(metadata["sixfold.imported"])["file"] == "others.tflite"


@pytest.mark.parametrize(
    ("name", "content", "arguments", "message"),
    [
        ("a.tflite", b"", [], "a.tflite: no TFL3 file; bytes 4 to 8 are b''"),
        ("a.onnx", b"", [], "a.onnx: not a valid ONNX model, or truncated"),
        ("a.onnx", b"\xff" * 9, [], "a.onnx: not an ONNX file, or truncated"),
        ("a.tflite", small().finish(), [], "a.tflite: does not say how its input is normalised; give --mean and --std"),
        ("a.tflite", small().finish(), ["--mean", "0"], "--mean and --std belong together; give both or neither"),
        ("a.tflite", small().finish(), ["--mean", "x", "--std", "1"], "--mean, --std: could not convert"),
        ("a.tflite", small().finish(), ["--mean", "0", "--std", "0"], "normalisation: mean (0.0,) must be finite"),
    ],
)
def test_a_refusal_is_one_line_and_writes_nothing(repository, name, content, arguments, message):
    (repository / name).write_bytes(content)
    done = sixfold(repository, "import", name, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1
    assert not (repository / "models").exists()


def test_a_missing_file_is_one_line(repository):
    done = sixfold(repository, "import", "absent.tflite")
    assert (done.returncode, done.stderr) == (2, "error: absent.tflite: cannot be read (No such file or directory)\n")


def images(folder: Path, classes: int) -> None:
    rng = np.random.default_rng(0)
    for label in range(classes):
        (folder / f"{label}").mkdir(parents=True)
        for index in range(4):
            Image.fromarray(rng.integers(0, 256, (9, 9), np.uint8)).save(folder / f"{label}" / f"{index}.png")


def test_verification_without_a_float_original(repository):
    (repository / "others.tflite").write_bytes(with_metadata(small().finish()))
    assert sixfold(repository, "import", "others.tflite").returncode == 0
    assert sixfold(repository, "build", "host-onnxruntime").returncode == 0
    done = sixfold(repository, "verify", "host-onnxruntime")
    assert done.returncode == 0, done.stderr
    report = json.loads((repository / "reports/host-onnxruntime.json").read_text())
    unknown = dict.fromkeys(("fp32", "drop", "drop_ci95", "agreement"))
    assert report["accuracy"] == {"samples": 0, "int8": None, **unknown}
    assert report["parity"]["samples"] == 64
    assert report["parity"]["mismatched"] == 0
    assert report["details"]["inputs"] == "64 random inputs"

    images(repository / "photos", 3)
    done = sixfold(repository, "verify", "host-onnxruntime", "--data", "photos")
    assert done.returncode == 0, done.stderr
    report = json.loads((repository / "reports/host-onnxruntime.json").read_text())
    assert report["accuracy"]["samples"] == 12
    assert 0 <= report["accuracy"]["int8"] <= 1
    assert report["accuracy"]["fp32"] is None
    assert report["details"]["inputs"] == "folder photos"


@pytest.mark.slow
def test_a_network_of_others_becomes_a_project(repository):
    (repository / "others.tflite").write_bytes(keras_like().finish())
    assert sixfold(repository, "import", "others.tflite", "--mean", "0.5", "--std", "0.5").returncode == 0
    done = sixfold(repository, "export", "tflm", "project", "--vectors", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("project: 12 files, 2 test vectors from 64 random inputs\n")
    assert "kTestVectors = 2;" in (repository / "project/test_vectors.h").read_text()
    done = sixfold(repository, "export", "tflm", "project")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.slow
def test_a_microcontroller_computes_a_network_of_others(repository):
    (repository / "others.tflite").write_bytes(keras_like().finish())
    assert sixfold(repository, "import", "others.tflite", "--mean", "0.5", "--std", "0.5").returncode == 0
    for command in ("build", "verify"):
        done = sixfold(repository, command, "mps2-an386")
        assert done.returncode == 0, done.stderr
    report = json.loads((repository / "reports/mps2-an386.json").read_text())
    assert report["parity"] == {
        "elements": 320,
        "max_lsb": 0,
        "mismatched": 0,
        "reference": "fixed-point",
        "samples": 64,
    }
    assert report["budget"]["passed"]

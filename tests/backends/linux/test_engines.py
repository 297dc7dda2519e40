"""The boards' engines run here, where the same runtimes are installed: what they take, give and say."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from pipeline.backends import load_backend
from pipeline.graph.reference import execute
from pipeline.targets import TfliteOptions, load_target
from tests.backends.linux.test_folder import METADATA
from tests.graph.graphs import random_inputs, small_mobilenet

GRAPH = replace(small_mobilenet(6, channels=3), metadata=METADATA)
LITERT, ONNXRUNTIME = load_target("raspberry-pi-4-litert"), load_target("raspberry-pi-5-onnxruntime")
UINT8 = LITERT.model_copy(update={"tflite": TfliteOptions(input="uint8")})


def compiled(target, folder):
    folder.mkdir()
    load_backend(target.backend).compile_graph(GRAPH, target, folder)
    return folder


def run(folder, *arguments, python=sys.executable, hidden=()):
    """Run the folder's program by this Python, some packages hidden from it."""
    shadows = folder.parent / "shadows"
    for package in hidden:
        (shadows / package).mkdir(parents=True)
        (shadows / package / "__init__.py").write_text(f"raise ModuleNotFoundError(\"No module named '{package}'\")\n")
    environment = {**os.environ, "PYTHONPATH": str(shadows), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, str(folder / "run.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


# Addition alone differs between this computer's ONNX Runtime and Arm's, and not on these inputs.
@pytest.mark.parametrize("target", [LITERT, UINT8, ONNXRUNTIME], ids=["litert", "litert-uint8", "onnxruntime"])
def test_codes_are_those_of_the_reference_in_the_order_of_the_images(tmp_path, target):
    folder = compiled(target, tmp_path / "artefact")
    inputs = random_inputs(GRAPH, 5, 1)
    inputs.tofile(tmp_path / "in")
    done = run(folder, "--codes", tmp_path / "in", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    expected = execute(GRAPH, inputs, target.reference)
    np.testing.assert_array_equal(np.fromfile(tmp_path / "out", np.int8).reshape(expected.shape), expected)


@pytest.mark.parametrize("target", [LITERT, ONNXRUNTIME], ids=["litert", "onnxruntime"])
def test_the_self_test_passes_and_measures(tmp_path, target):
    done = run(compiled(target, tmp_path / "artefact"), "--self-test")
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert answer["different"] == 0
    assert answer["latency"]["repeats"] == 100 and answer["latency"]["median"] > 0


@pytest.mark.parametrize("target", [LITERT, ONNXRUNTIME], ids=["litert", "onnxruntime"])
def test_a_wrong_length_is_one_line(tmp_path, target):
    folder = compiled(target, tmp_path / "artefact")
    (tmp_path / "in").write_bytes(bytes(17))
    done = run(folder, "--codes", tmp_path / "in", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "error: 17 bytes are no multiple of an image's 768"


@pytest.mark.parametrize("target", [LITERT, ONNXRUNTIME], ids=["litert", "onnxruntime"])
def test_a_damaged_model_is_named(tmp_path, target):
    folder = compiled(target, tmp_path / "artefact")
    path = folder / json.loads((folder / "model.json").read_text())["engine"]["model"]
    path.write_bytes(path.read_bytes()[:1000])
    done = run(folder, "--self-test")
    assert done.returncode == 2
    assert f"{path.name}: " in done.stderr.splitlines()[-1] and "cannot load it" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("target", "hidden"),
    [
        (ONNXRUNTIME, ["onnxruntime"]),
        (ONNXRUNTIME, ["numpy"]),
        (LITERT, ["ai_edge_litert", "tflite_runtime"]),
        (LITERT, ["numpy"]),
    ],
)
def test_a_missing_package_is_one_line_that_says_what_to_install(tmp_path, target, hidden):
    folder = compiled(target, tmp_path / "artefact")
    done = run(folder, "--self-test", hidden=hidden)
    wanted = " ".join((folder / "requirements.txt").read_text().split())
    assert done.returncode == 2
    advice = f"install it here: python3 -m pip install {wanted}\n"
    assert done.stderr == f"error: No module named '{hidden[0]}'; {advice}"

"""The exported project: it compiles against the interpreter's interface, and its helpers compute what Python does."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import GateFailedError, SixfoldError
from pipeline.exports.tflm import project as module
from pipeline.exports.tflm import write_project
from pipeline.exports.tflm.arena import Arena, scratch_bound
from pipeline.exports.tflm.project import exponentials
from pipeline.graph.ir import IntegerGraph
from pipeline.graph.reference import execute
from pipeline.preprocess import Normalization, quantize_pixels, quantized_pixel_table
from pipeline.runners.host_tflm import Measured
from tests.bars import recorded_bars
from tests.graph.graphs import random_inputs, small_mobilenet

INTERFACE = Path(__file__).with_name("tflm_interface")
HELPERS = Path(__file__).with_name("helpers.cc")
NORMALIZATION = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
LABELS = ("one", 'a "quoted" ??/ one', "zwölf", "line\nbreak", "%d")
FLAGS = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-Wconversion", f"-I{INTERFACE}"]
CORTEX_M = ["arm-none-eabi-g++", "-mcpu=cortex-m4", "-mthumb"]


def network() -> IntegerGraph:
    graph = small_mobilenet(6, resolution=12, channels=3, classes=len(LABELS))
    source = replace(graph.tensors["input"], scale=float(np.float32(0.0186)), zero_point=-14)
    metadata = {
        "sixfold.mean": json.dumps(NORMALIZATION.mean),
        "sixfold.std": json.dumps(NORMALIZATION.std),
        "sixfold.labels": json.dumps(LABELS),
    }
    return replace(graph, tensors={**graph.tensors, "input": source}, metadata=metadata)


@pytest.fixture
def unmeasured(monkeypatch):
    """The reference in the interpreter's place."""
    graph = network()
    monkeypatch.setattr(
        module, "measure", lambda content, inputs: Measured(execute(graph, inputs, "fixed-point"), 20_000, 9_000)
    )
    return graph


def export(graph: IntegerGraph, folder: Path) -> Path:
    write_project(graph, random_inputs(graph, 3, 1), "model", folder)
    return folder


def compile_all(folder: Path, compiler: list[str]) -> None:
    for source in sorted(folder.glob("*.cc")):
        command = [*compiler, *FLAGS, "-c", str(source), "-o", str(source.with_suffix(".o"))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_every_source_compiles_against_the_interface(unmeasured, tmp_path):
    compile_all(export(unmeasured, tmp_path / "project"), ["g++"])


@pytest.mark.slow
def test_every_source_compiles_for_a_microcontroller(unmeasured, tmp_path):
    compile_all(export(unmeasured, tmp_path / "project"), CORTEX_M)


def test_the_helpers_compute_what_python_does_to_the_bit(unmeasured, tmp_path):
    graph, folder = unmeasured, export(unmeasured, tmp_path / "project")
    program = tmp_path / "helpers"
    sources = [str(HELPERS), str(folder / "model_io.cc")]
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    subprocess.run(["g++", *FLAGS, *sanitizers, f"-I{folder}", *sources, "-o", str(program)], check=True)
    source, result = graph.tensors[graph.input], graph.tensors[graph.output]
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (1, *source.shape)).astype(np.uint8)
    reals = np.concatenate([np.arange(256) / 255, rng.uniform(-2, 3, 2000), [0, 1, 1e30, -1e30]]).astype(np.float32)
    logits = rng.integers(-128, 128, (500, len(LABELS))).astype(np.int8)
    logits[0], logits[1] = 127, [-128, -128, 127, 127, -128]
    given = pixels.tobytes() + np.int32(len(reals)).tobytes() + reals.tobytes() + logits.tobytes()
    written = subprocess.run([str(program)], input=given, capture_output=True, check=True).stdout

    def take(dtype: type, *shape: int) -> np.ndarray:
        nonlocal written
        count = int(np.prod(shape)) * np.dtype(dtype).itemsize
        values, written = np.frombuffer(written[:count], dtype).reshape(shape), written[count:]
        return values

    table = quantized_pixel_table(NORMALIZATION, source.scale, source.zero_point)
    np.testing.assert_array_equal(take(np.int8, 3, 256), table)
    codes = quantize_pixels(pixels, NORMALIZATION, source.scale, source.zero_point)
    np.testing.assert_array_equal(take(np.int8, *source.shape), codes[0])
    mean, std = np.array(NORMALIZATION.mean), np.array(NORMALIZATION.std)
    real = ((reals.astype(np.float64)[:, np.newaxis] - mean) / std).astype(np.float32)
    expected = np.clip(np.rint(real / np.float32(source.scale)) + np.float32(source.zero_point), -128, 127)
    found = take(np.int8, len(reals), 3)
    np.testing.assert_array_equal(found, expected.astype(np.int8))
    np.testing.assert_array_equal(found[:256].T, table)
    every = np.arange(-128, 128)
    np.testing.assert_array_equal(
        take(np.float32, 256), np.float32(result.scale) * (every - result.zero_point).astype(np.float32)
    )
    powers = exponentials(graph)
    for row in logits:
        terms = powers[row.max() - row.astype(int)]
        total = np.float32(0)
        for term in terms:
            total += term
        np.testing.assert_array_equal(take(np.float32, len(LABELS)), terms / total)
        assert take(np.int8, 1)[0] == row.argmax()
    assert written.decode().split("\0")[:-1] == list(LABELS)


def test_probabilities_are_a_softmax():
    graph = network()
    logits = np.array([3, -7, 90, 14, -128], np.int8)
    terms = exponentials(graph)[logits.max() - logits.astype(int)].astype(np.float64)
    real = np.float64(graph.tensors[graph.output].scale) * logits
    np.testing.assert_allclose(terms / terms.sum(), np.exp(real) / np.exp(real).sum(), rtol=1e-6)


def test_the_same_graph_gives_the_same_bytes(unmeasured, tmp_path):
    first, second = (export(unmeasured, tmp_path / name) for name in ("first", "second"))
    names = sorted(path.name for path in first.iterdir())
    assert len(names) == 12
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_the_model_data_is_the_file(unmeasured, tmp_path):
    folder = export(unmeasured, tmp_path / "project")
    text = (folder / "model_data.cc").read_text()
    numbers = bytes(int(x) for x in re.findall(r"\d+", text[text.index("] = {") : text.rindex("};")]))
    assert numbers == (folder / "model.tflite").read_bytes()


def test_exactly_the_operators_of_the_model_are_registered(unmeasured, tmp_path):
    text = (export(unmeasured, tmp_path / "project") / "operators.h").read_text()
    assert re.findall(r"resolver\.(Add\w+)", text) == ["AddAdd", "AddAveragePool2D", "AddConv2D", "AddDepthwiseConv2D"]
    assert "MicroMutableOpResolver<4>" in text


def test_a_folder_with_something_in_it_is_left_alone(unmeasured, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SixfoldError, match="exists and is not empty"):
        export(unmeasured, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_other_outputs_of_the_interpreter_fail(unmeasured, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "measure", lambda content, inputs: Measured(np.zeros((3, 5), np.int8), 1, 1))
    with pytest.raises(GateFailedError, match="computes other codes"):
        export(unmeasured, tmp_path / "project")
    assert not (tmp_path / "project").exists()


def test_the_bar_comes_to_its_end(unmeasured, tmp_path, monkeypatch):
    bars = recorded_bars(monkeypatch, module)
    export(unmeasured, tmp_path / "project")
    ((total, amounts),) = bars
    assert sum(amounts) == total == 6 and amounts[0] == 3


def test_missing_metadata_are_named(unmeasured, tmp_path):
    with pytest.raises(SixfoldError, match=r"model: metadata sixfold\.mean is missing"):
        export(replace(unmeasured, metadata={}), tmp_path / "project")


def test_the_arena_is_what_was_measured_and_the_bound_rounded_up():
    assert Arena(10_000, 4_000, 241).size == 10_240 + 1_024
    assert Arena(10_000, 4_000, 240).size == 10_240
    graph = small_mobilenet(0)
    # Helium's depthwise kernel takes 124 channels of 3x3 at a time; a 4x4 kernel stands for padding.
    depthwise = 4 * 124
    dense = 4 * 5
    assert scratch_bound(graph, kernel_padding=False) == depthwise * 9 + dense + 64
    assert scratch_bound(graph, kernel_padding=True) == depthwise * 16 + dense + 64


@pytest.mark.slow
def test_the_interpreter_itself_measures_and_agrees(tmp_path):
    graph = network()
    project = write_project(graph, random_inputs(graph, 3, 1), "model", tmp_path / "project")
    assert 0 < project.arena.activations < project.arena.measured < project.arena.size
    assert f"kArenaSize = {project.arena.size};" in (tmp_path / "project/model_settings.h").read_text()

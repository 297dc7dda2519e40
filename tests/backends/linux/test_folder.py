"""What runs on a Linux board, run here: the programs of the folder with an engine that the test writes."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.backends.linux import write_device_files
from pipeline.data.decode import decode
from pipeline.errors import SixfoldError
from pipeline.graph.reference import execute
from pipeline.preprocess import Normalization, quantize_pixels
from tests.graph.graphs import small_mobilenet

LABELS = ["cat", "dog", "newt", "owl", "pike"]
METADATA = {
    "sixfold.labels": json.dumps(LABELS),
    "sixfold.mean": "[0.4, 0.5, 0.6]",
    "sixfold.std": "[0.2, 0.3, 0.4]",
    "sixfold.central_crop": "0.875",
}

# Answers with the codes in the file `answer`, whatever it is asked.
ENGINE = """
class Engine:
    def __init__(self, folder, description):
        self.answer = (folder / "answer").read_bytes()
        self.log = folder / "log"
    def infer(self, images):
        self.log.write_bytes(images)
        return self.answer
    def times(self, images, warm_up, repeats):
        return [float(i + 1) for i in range(repeats)]
"""


@pytest.fixture
def graph():
    return replace(small_mobilenet(1, channels=3), metadata=METADATA)


@pytest.fixture
def folder(tmp_path, graph):
    engine = tmp_path / "engine_source.py"
    engine.write_text(ENGINE)
    folder = tmp_path / "artefact"
    folder.mkdir()
    write_device_files(graph, "float", engine, {"any": 1}, folder)
    return folder


def run(folder, *arguments):
    command = [str(folder / "run.sh"), *map(str, arguments)]
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_self_test_holds_the_references_codes(folder, graph):
    images = np.fromfile(folder / "selftest/images.bin", np.int8).reshape(-1, 16, 16, 3)
    np.testing.assert_array_equal(
        np.fromfile(folder / "selftest/codes.bin", np.int8), execute(graph, images, "float").ravel()
    )


def test_a_board_that_computes_the_same_passes_and_is_measured(folder):
    (folder / "answer").write_bytes((folder / "selftest/codes.bin").read_bytes())
    done = run(folder, "--self-test")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["different"] == 0
    assert answer["codes"] == 8 * len(LABELS)
    assert answer["latency"]["median"] == 50.5
    assert (answer["latency"]["p5"], answer["latency"]["p95"]) == (5, 95)
    assert answer["latency"]["repeats"] == 100


@pytest.mark.parametrize("change", [lambda codes: bytes([codes[0] ^ 1]) + codes[1:], lambda codes: codes[:-1]])
def test_one_wrong_or_missing_code_fails_the_self_test(folder, change):
    (folder / "answer").write_bytes(change((folder / "selftest/codes.bin").read_bytes()))
    done = run(folder, "--self-test")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["different"] == 1
    assert "latency" not in answer


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "LA"])
def test_an_image_becomes_the_codes_that_the_pipeline_makes(folder, graph, tmp_path, mode):
    pixels = np.random.default_rng(3).integers(0, 256, (41, 57, 4)).astype(np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).convert(mode).save(path)
    (folder / "answer").write_bytes(bytes([0, 127, 128, 255, 5]))
    done = run(folder, path)
    assert done.returncode == 0, done.stderr
    source = graph.tensors[graph.input]
    normalization = Normalization((0.4, 0.5, 0.6), (0.2, 0.3, 0.4))
    image = decode(path, 16, 3, 0.875)
    expected = quantize_pixels(image[np.newaxis], normalization, source.scale, source.zero_point)
    assert (folder / "log").read_bytes() == expected.tobytes()


def test_classes_are_named_with_their_probabilities(folder, graph, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(path)
    codes = np.array([-128, 127, 0, 100, 5], np.int8)
    (folder / "answer").write_bytes(codes.tobytes())
    lines = [line.split() for line in run(folder, path).stdout.splitlines()]
    powers = np.exp(graph.tensors[graph.output].scale * (codes - 127.0))
    assert [line[-1] for line in lines] == ["dog", "owl", "pike", "newt", "cat"]
    assert [float(line[1]) for line in lines] == pytest.approx(100 * np.sort(powers / powers.sum())[::-1], abs=0.051)


@pytest.mark.parametrize(
    ("content", "message"), [(b"no image", "cannot identify image file"), (b"", "cannot identify")]
)
def test_an_unreadable_image_is_one_line(folder, tmp_path, content, message):
    (folder / "answer").write_bytes(b"")
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    done = run(folder, path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_model_without_labels_is_refused(tmp_path, graph):
    bare = replace(graph, metadata={**METADATA, "sixfold.labels": "17"})
    with pytest.raises(SixfoldError, match=r"sixfold\.labels: not a list"):
        write_device_files(bare, "float", tmp_path / "engine.py", {}, tmp_path)

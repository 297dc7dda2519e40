"""The folders for ONNX Runtime and LiteRT on a Pi, run by their own ``run.sh`` with these runtimes' Arm builds."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pipeline import debian
from pipeline.backends import load_backend
from pipeline.graph.reference import execute
from pipeline.runners import load_runner
from pipeline.targets import load_target
from tests.backends.linux.test_folder import METADATA
from tests.graph.graphs import GraphBuilder, random_inputs, small_mobilenet

BOARDS = ["raspberry-pi-4-litert", "raspberry-pi-5-onnxruntime"]

emulates = [
    pytest.mark.slow,
    pytest.mark.skipif(not debian.have_apt(), reason="needs apt-get and dpkg, to unpack an arm64 system"),
]


def compiled(graph, name, folder):
    target = load_target(name)
    folder.mkdir(exist_ok=True)
    load_backend(target.backend).compile_graph(replace(graph, metadata=METADATA), target, folder)
    return target


def additions():
    """4 096 sums an image, of two tensors with scales of their own: enough for ties that float rounds otherwise."""
    builder = GraphBuilder(np.random.default_rng(8))
    source = builder.add_input((1, 1, 3))
    return builder.build(builder.add(*(builder.conv(source, 4096, relu6=False) for _ in range(2))))


@pytest.mark.parametrize("name", [pytest.param(name, marks=emulates) for name in BOARDS])
@pytest.mark.parametrize("graph", [small_mobilenet(3, channels=3), additions()], ids=["network", "additions"])
def test_the_board_equals_the_reference_of_its_runtime(tmp_path, name, graph):
    target = compiled(graph, name, tmp_path / "artefact")
    inputs = random_inputs(graph, 64, 3)
    result = load_runner(target).run_artefact(tmp_path / "artefact", target, inputs)
    np.testing.assert_array_equal(result.outputs, execute(graph, inputs, target.reference))
    assert result.latency is None
    assert result.details["executed_by"] == f"qemu-user, -cpu {target.runner.machine}"


def test_additions_tell_the_references_apart():
    graph = additions()
    inputs = random_inputs(graph, 64, 3)
    computed = {family: execute(graph, inputs, family) for family in ("float", "mlas-neon", "xnnpack")}
    for family in ("float", "xnnpack"):
        difference = np.abs(computed["mlas-neon"].astype(int) - computed[family])
        assert difference.max() == 1, family


@pytest.mark.parametrize("name", BOARDS)
def test_the_folder_is_complete_and_the_same_again(tmp_path, name):
    graph = small_mobilenet(3, channels=3)
    target = compiled(graph, name, tmp_path / "one")
    compiled(graph, name, tmp_path / "two")
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes(), path
    description = json.loads((tmp_path / "one/model.json").read_text())
    assert (tmp_path / "one/requirements.txt").read_text().splitlines() == description["engine"]["requirements"]
    images = np.fromfile(tmp_path / "one/selftest/images.bin", np.int8).reshape(-1, 16, 16, 3)
    codes = (tmp_path / "one/selftest/codes.bin").read_bytes()
    assert codes == execute(graph, images, target.reference).tobytes()

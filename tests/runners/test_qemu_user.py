"""The Raspberry Pi's program under emulation, against the float reference."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from pipeline.backends import load_backend
from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.graph.reference import execute
from pipeline.runners import load_runner
from pipeline.targets import load_target, target_names
from tests.backends.linux.test_folder import METADATA
from tests.graph.graphs import random_inputs, small_mobilenet

pytestmark = pytest.mark.slow

BOARDS = [name for name in target_names() if (t := load_target(name)).backend == "tvm" and t.runner.kind == "qemu-user"]


@pytest.fixture(scope="module")
def graph():
    return replace(small_mobilenet(3, channels=3), metadata=METADATA)


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory, graph):
    folders = {}
    for name in BOARDS:
        target = load_target(name)
        folders[name] = tmp_path_factory.mktemp(name)
        load_backend(target.backend).compile_graph(graph, target, folders[name])
    return folders


@pytest.mark.parametrize("name", BOARDS)
def test_the_board_equals_the_reference(artefacts, graph, name):
    target = load_target(name)
    inputs = random_inputs(graph, 10, 3)
    result = load_runner(target).run_artefact(artefacts[name], target, inputs)
    np.testing.assert_array_equal(result.outputs, execute(graph, inputs, "float"))
    assert result.latency is None
    assert result.details["executed_by"] == f"qemu-user, -cpu {target.runner.machine}"


def test_the_same_graph_gives_the_same_bytes(tmp_path, artefacts, graph):
    target = load_target("raspberry-pi-4")
    load_backend("tvm").compile_graph(graph, target, tmp_path)
    for path in sorted(p for p in tmp_path.rglob("*") if p.is_file()):
        assert path.read_bytes() == (artefacts["raspberry-pi-4"] / path.relative_to(tmp_path)).read_bytes(), path


def test_code_for_another_core_is_an_error_and_no_answer(artefacts, graph):
    older = load_target("raspberry-pi-4")
    with pytest.raises(SixfoldError, match=r"raspberry-pi-4: the emulated program failed"):
        load_runner(older).run_artefact(artefacts["raspberry-pi-5"], older, random_inputs(graph, 1, 0))


def test_a_damaged_library_is_named(tmp_path, artefacts, graph):
    target = load_target("raspberry-pi-4")
    folder = tmp_path / "artefact"
    shutil.copytree(artefacts[target.name], folder)
    library = folder / read_json(folder / "model.json")["engine"]["library"]
    library.write_bytes(library.read_bytes()[:5000])
    with pytest.raises(SixfoldError, match=r"model-neon\.so: damaged or missing; run `sixfold build raspberry-pi-4`"):
        load_runner(target).run_artefact(folder, target, random_inputs(graph, 1, 0))


def test_the_self_test_in_the_folder_is_what_the_board_computes(artefacts, graph):
    target = load_target("raspberry-pi-zero-2w")
    folder = artefacts[target.name]
    inputs = np.fromfile(folder / "selftest/images.bin", np.int8).reshape(-1, 16, 16, 3)
    result = load_runner(target).run_artefact(folder, target, inputs)
    assert result.outputs.tobytes() == (folder / "selftest/codes.bin").read_bytes()

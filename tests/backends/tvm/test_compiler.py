"""The artefact of backend tvm, compiled and run as `sixfold build` and `sixfold verify` do."""

import hashlib
import shutil

import numpy as np
import pytest

from pipeline.backends import load_backend
from pipeline.backends.tvm import linux
from pipeline.errors import SixfoldError
from pipeline.files import read_json, write_json
from pipeline.graph.reference import execute
from pipeline.runners import host, load_runner
from pipeline.targets import load_target
from tests.graph.graphs import random_inputs, small_mobilenet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def graph():
    return small_mobilenet(4)


@pytest.fixture(scope="module")
def target():
    return load_target("host-tvm")


@pytest.fixture(scope="module")
def artefact(tmp_path_factory, graph, target):
    folder = tmp_path_factory.mktemp("artefact")
    load_backend("tvm").compile_graph(graph, target, folder)
    return folder


def test_every_library_equals_the_reference(tmp_path, artefact, graph, target):
    inputs = random_inputs(graph, 8, 4)
    description = read_json(artefact / "model.json")
    assert [library["instruction_set"] for library in description["libraries"]] == list(target.instruction_sets)
    ran = 0
    for library in description["libraries"]:
        if not host.cpu_flags().issuperset(library["cpu_flags"]):
            continue
        folder = tmp_path / library["instruction_set"]
        shutil.copytree(artefact, folder)
        write_json(folder / "model.json", {**description, "libraries": [library]})
        result = load_runner(target).run_artefact(folder, target, inputs)
        np.testing.assert_array_equal(result.outputs, execute(graph, inputs, "float"))
        assert result.details["instruction_set"] == library["instruction_set"]
        assert result.latency.kind == "measured"
        ran += 1
    assert ran


def test_the_same_graph_gives_the_same_bytes(tmp_path, artefact, graph, target):
    load_backend("tvm").compile_graph(graph, target, tmp_path)
    assert hashes(tmp_path) == hashes(artefact)


def test_a_processor_without_the_instructions_is_told_which_are_needed(monkeypatch, artefact, graph, target):
    monkeypatch.setattr(host, "cpu_flags", frozenset)
    with pytest.raises(SixfoldError, match=r"none of the instruction sets .*avx512_vnni.*; avx2 fma"):
        load_runner(target).run_artefact(artefact, target, random_inputs(graph, 1, 0))


def test_a_truncated_library_is_one_clear_line(tmp_path, artefact, graph, target):
    folder = tmp_path / "artefact"
    shutil.copytree(artefact, folder)
    for library in folder.glob("*.so"):
        library.write_bytes(library.read_bytes()[:3000])
    with pytest.raises(SixfoldError, match=r"\.so: damaged or missing; run `sixfold build host-tvm` again"):
        load_runner(target).run_artefact(folder, target, random_inputs(graph, 1, 0))


def test_a_missing_linker_is_named(monkeypatch, tmp_path, graph, target):
    monkeypatch.setattr(linux.shutil, "which", lambda command: None)
    with pytest.raises(SixfoldError, match=r"g\+\+: not found"):
        load_backend("tvm").compile_graph(graph, target, tmp_path)


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.graph.ir import Conv2D, IntegerGraph
from pipeline.graph.reference import execute_all
from pipeline.parity import as_reference
from pipeline.runners import load_runner
from pipeline.stages.compile import compile_target
from pipeline.targets import load_target
from tests.cli.project import make_project, network, picture, write_model
from tests.cli.running import run
from tests.graph.graphs import random_inputs

GRAPH = network()
#: The operator whose weights the artefact has otherwise than the reference.
WRONG = 7


def with_a_wrong_weight(graph: IntegerGraph, index: int) -> IntegerGraph:
    """The graph with the first weights of the first channel of an operator turned round."""
    operator = graph.operators[index]
    assert isinstance(operator, Conv2D)
    weight = operator.weight.copy()
    weight[0] = -np.maximum(weight[0], -127)
    changed = dataclasses.replace(operator, weight=weight)
    return dataclasses.replace(graph, operators=(*graph.operators[:index], changed, *graph.operators[index + 1 :]))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = make_project(tmp_path, GRAPH)
    monkeypatch.chdir(root)
    return root


TARGETS = [
    pytest.param("host-onnxruntime", "tensors", id="host-onnxruntime"),
    pytest.param("host-litert", "tensors", id="host-litert"),
    pytest.param("host-openvino", "operators", id="host-openvino"),
    pytest.param("mps2-an386", "tensors", id="mps2-an386", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("target", "method"), TARGETS)
def test_the_first_layer_that_differs_is_named(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    target: str,
    method: str,
) -> None:
    compile_target(target)
    assert run(monkeypatch, "diff", target, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["equal"] and found["first"] is None and found["method"] == method
    assert [layer["tensor"] for layer in found["layers"]] == [operator.output for operator in GRAPH.operators]

    if method == "operators":
        return  # there it is the runtime that is checked on the reference's own weights, not the artefact
    write_model(project, with_a_wrong_weight(GRAPH, WRONG))
    assert run(monkeypatch, "diff", target, "--sample", "3", "--json") == 1
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    name = GRAPH.operators[WRONG].output
    assert found["first"]["tensor"] == name and f"the first layer that differs is {name}" in captured.err
    assert all(layer["mismatched"] == 0 for layer in found["layers"][:WRONG])
    # Only the first output channel has other weights.
    assert found["places"] and all(place["position"][2] == 0 for place in found["places"])
    assert all(place["expected"] != place["found"] for place in found["places"])
    assert run(monkeypatch, "diff", target, "--sample", "3") == 1
    assert "first difference" in capsys.readouterr().out


def test_an_image_file_is_compared_too(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compile_target("host-onnxruntime")
    image = picture(project / "a.png", 1)
    assert run(monkeypatch, "diff", "host-onnxruntime", image.name, "--all") == 0
    printed = capsys.readouterr().out
    assert "image: a.png" in printed and all(operator.output in printed for operator in GRAPH.operators)
    assert run(monkeypatch, "diff", "host-onnxruntime", image.name, "--sample", "1") == 2
    assert "not both" in capsys.readouterr().err
    assert run(monkeypatch, "diff", "host-onnxruntime", "--sample", "64") == 2
    assert "has 64, numbered from 0" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("target", ["mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547"])
def test_an_emulated_boards_activations_are_the_references(project: Path, target: str) -> None:
    compile_target(target)
    image = random_inputs(GRAPH, 1, 5)
    runner, spec = load_runner(load_target(target)), load_target(target)
    found = runner.run_tensors(project / "artifacts" / target, spec, image[0], "fixed-point")  # type: ignore[attr-defined]
    expected = execute_all(GRAPH, image, "fixed-point")
    outputs = {operator.output for operator in GRAPH.operators}
    # Row by row, a tensor is whole only where a group of blocks ends.
    assert outputs <= set(found) if spec.kernels != "streaming" else outputs & set(found) > {GRAPH.output}
    for name in outputs & set(found):
        np.testing.assert_array_equal(as_reference(name, found[name], expected[name]), expected[name])

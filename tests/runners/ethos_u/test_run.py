"""What a runner tells of an artefact that nothing here executes. Vela compiles it, so all of this is slow."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.backends.ethos_u import ARTEFACT, ESTIMATE, SOURCE, compile_graph
from pipeline.backends.ethos_u.vela import run_vela
from pipeline.backends.litert.writer import write_tflite
from pipeline.errors import SixfoldError
from pipeline.files import write_json
from pipeline.graph.ir import Add
from pipeline.graph.reference import execute
from pipeline.runners import load_runner
from pipeline.targets import load_target
from tests.graph.graphs import random_inputs, small_mobilenet

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.slow


def test_without_a_model_the_file_before_vela_speaks_for_itself(tmp_path: Path) -> None:
    graph, target = small_mobilenet(2), load_target("ethos-u85-256", ROOT / "targets")
    compile_graph(graph, target, tmp_path)
    inputs = random_inputs(graph, 10, 2)
    result = load_runner(target).run_artefact(tmp_path, target, inputs)
    assert result.outputs is None and result.not_run == "no model of the ethos-u85 is available here"
    with pytest.raises(SixfoldError, match="was not executed: no model of the ethos-u85"):
        _ = result.codes
    (other,) = result.others
    assert other.family == "fixed-point" and other.name.startswith("model.tflite, from which it was compiled")
    np.testing.assert_array_equal(other.outputs, execute(graph, inputs, "fixed-point"))
    assert result.cost.kind == "estimated" and result.details["npu"]["share"] == 1 and result.violations == ()
    (tmp_path / SOURCE).write_bytes(b"no model")
    with pytest.raises(SixfoldError, match=r"model\.tflite: LiteRT cannot load it"):
        load_runner(target).run_artefact(tmp_path, target, inputs)


def test_what_is_left_to_the_cpu_fails_by_name(tmp_path: Path) -> None:
    graph, target = small_mobilenet(3), load_target("ethos-u65-256", ROOT / "targets")
    assert target.npu is not None
    content = write_tflite(graph)
    compiled = run_vela(content, target.npu, None, extra=["--ignore-ops", "ADD"])
    (tmp_path / SOURCE).write_bytes(content)
    (tmp_path / ARTEFACT).write_bytes(compiled.content)
    write_json(tmp_path / ESTIMATE, compiled.estimate.model_dump(mode="json"))
    result = load_runner(target).run_artefact(tmp_path, target, random_inputs(graph, 2, 3))
    additions = [operator.output for operator in graph.operators if isinstance(operator, Add)]
    (violation,) = result.violations
    assert violation.startswith(f"{len(additions)} of {len(graph.operators)} operators are left to the CPU: ")
    assert all(f"{name} (Add)" in violation for name in additions)
    assert result.outputs is None and result.not_run == "some operators are left to the CPU"

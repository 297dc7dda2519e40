"""The real interpreter of TensorFlow Lite Micro, in its own environment."""

import numpy as np
import pytest

from pipeline.backends import load_backend
from pipeline.errors import SixfoldError
from pipeline.graph.reference import execute, execute_all
from pipeline.runners import host_tflm, load_runner
from pipeline.targets import TfliteOptions, load_target
from tests.graph.graphs import random_graph, random_inputs, small_mobilenet

TARGET = load_target("tflm-host")


def compiled(graph, target, folder):
    load_backend(target.backend).compile_graph(graph, target, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"input": "uint8", "padding": "operator"}])
def test_the_interpreter_equals_the_fixed_point_reference(tmp_path, options):
    graph = random_graph(4)
    target = TARGET.model_copy(update={"tflite": TfliteOptions(**options)})
    inputs = random_inputs(graph, 6, 4)
    artefact = compiled(graph, target, tmp_path)
    result = load_runner(target).run_artefact(artefact, target, inputs)
    np.testing.assert_array_equal(result.outputs, execute(graph, inputs, "fixed-point"))
    assert result.latency is None
    again = host_tflm.run_artefact(artefact, target, inputs)
    assert (again.footprint, again.details) == (result.footprint, result.details)
    tensors = host_tflm.run_tensors(artefact, target, inputs[0], "fixed-point")
    for name, codes in execute_all(graph, inputs[:1], "fixed-point").items():
        np.testing.assert_array_equal(tensors[name], codes[0], err_msg=name)


@pytest.mark.slow
def test_the_arena_is_what_the_operators_need_and_what_the_interpreter_keeps(tmp_path):
    graph = small_mobilenet(0, resolution=32)
    result = host_tflm.run_artefact(compiled(graph, TARGET, tmp_path), TARGET, random_inputs(graph, 1, 0))
    arena = result.details["arena"]
    assert result.footprint.ram_bytes == arena["activations"] + arena["interpreter"]
    # Its planner finds the least that any plan needs, rounded to its alignment.
    peak = max(layer.live_bytes for layer in result.footprint.layers)
    assert peak <= arena["activations"] < peak + 64
    parts = sum(arena["interpreter_parts"].values())
    assert 0 <= arena["interpreter"] - parts < 2048  # the rest is the interpreter's own allocator


def test_a_damaged_file_is_one_clear_error(tmp_path):
    path = compiled(small_mobilenet(0), TARGET, tmp_path) / "model.tflite"
    whole = path.read_bytes()
    for content in (whole[:100], b"", bytes(64)):
        path.write_bytes(content)
        with pytest.raises(SixfoldError, match="cannot load it") as error:
            host_tflm.run_artefact(tmp_path, TARGET, random_inputs(small_mobilenet(0), 1, 0))
        assert "\n" not in str(error.value)
    path.unlink()
    with pytest.raises(SixfoldError, match="cannot be read"):
        host_tflm.run_artefact(tmp_path, TARGET, random_inputs(small_mobilenet(0), 1, 0))

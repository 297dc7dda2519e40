import numpy as np
import pytest

from pipeline.backends import load_backend
from pipeline.errors import SixfoldError
from pipeline.graph.reference import execute, execute_all
from pipeline.parity import TensorRunner, first_difference
from pipeline.runners import host_litert, load_runner
from pipeline.targets import TfliteOptions, load_target
from tests.graph.graphs import random_graph, random_inputs, small_mobilenet

TARGET = load_target("host-litert")


def compiled(graph, target, folder):
    load_backend(target.backend).compile_graph(graph, target, folder)
    return folder


@pytest.mark.parametrize("seed", range(3))
def test_both_sets_of_kernels_equal_their_reference(tmp_path, seed):
    graph = random_graph(seed)
    inputs = random_inputs(graph, 5, seed)
    result = load_runner(TARGET).run_artefact(compiled(graph, TARGET, tmp_path), TARGET, inputs)
    np.testing.assert_array_equal(result.outputs, execute(graph, inputs, "xnnpack"))
    (other,) = result.others
    assert (other.name, other.family) == ("reference kernels", "fixed-point")
    np.testing.assert_array_equal(other.outputs, execute(graph, inputs, "fixed-point"))
    assert result.cost.kind == "measured" and result.cost.value > 0


def test_a_uint8_input_takes_the_same_codes_and_128(tmp_path):
    graph = small_mobilenet(3)
    target = TARGET.model_copy(update={"tflite": TfliteOptions(input="uint8", padding="kernel")})
    inputs = random_inputs(graph, 2, 0)
    result = host_litert.run_artefact(compiled(graph, target, tmp_path), target, inputs)
    np.testing.assert_array_equal(result.outputs, execute(graph, inputs, "xnnpack"))


def test_where_this_computer_stands_for_another_no_time_is_told(tmp_path):
    runner = TARGET.runner.model_copy(update={"stands_for": "a board"})
    pi, graph = TARGET.model_copy(update={"runner": runner}), small_mobilenet(0)
    result = host_litert.run_artefact(compiled(graph, pi, tmp_path), pi, random_inputs(graph, 1, 0))
    assert result.latency is None and result.details["verified_on"]
    with pytest.raises(SixfoldError, match="its time was not taken"):
        _ = result.cost


@pytest.mark.parametrize("family", ["fixed-point", "xnnpack"])
def test_the_first_tensor_that_differs_is_named(tmp_path, family):
    graph = small_mobilenet(1)
    assert isinstance(host_litert, TensorRunner)
    image = random_inputs(graph, 1, 1)[0]
    tensors = dict(host_litert.run_tensors(compiled(graph, TARGET, tmp_path), TARGET, image, family))
    assert first_difference(graph, image, tensors, family) is None
    expected = execute_all(graph, image[np.newaxis], family)
    for position in (9, 4):
        name = graph.operators[position].output
        tensors[name] = expected[name][0].copy()
        tensors[name].flat[0] ^= 1
    found = first_difference(graph, image, tensors, family)
    assert found is not None
    assert (found.tensor, found.mismatched, found.max_lsb) == (graph.operators[4].output, 1, 1)


def test_a_damaged_file_is_one_clear_error(tmp_path):
    path = compiled(small_mobilenet(0), TARGET, tmp_path) / "model.tflite"
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", bytes(64)):
        path.write_bytes(content)
        with pytest.raises(SixfoldError, match="LiteRT cannot load it") as error:
            host_litert.run_artefact(tmp_path, TARGET, random_inputs(small_mobilenet(0), 1, 0))
        assert "\n" not in str(error.value)
    path.unlink()
    with pytest.raises(SixfoldError, match="cannot load it"):
        host_litert.run_artefact(tmp_path, TARGET, random_inputs(small_mobilenet(0), 1, 0))

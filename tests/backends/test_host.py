"""The uint8 twin in real runtimes, against the float-family reference."""

import numpy as np
import onnxruntime as ort
import pytest

from pipeline.backends import load_backend
from pipeline.backends.uint8_twin import from_uint8, operator_twin, to_uint8
from pipeline.errors import SixfoldError
from pipeline.graph.reference import execute, execute_all, execute_operator
from pipeline.runners import host_openvino, load_runner
from pipeline.targets import OpenvinoOptions, load_target
from tests.graph.graphs import GraphBuilder, random_graph, random_inputs, small_mobilenet

TARGETS = ["host-onnxruntime", "host-openvino"]


def test_the_codes_shift_by_128_both_ways():
    codes = np.arange(-128, 128).astype(np.int8)
    assert to_uint8(codes).tolist() == list(range(256))
    np.testing.assert_array_equal(from_uint8(to_uint8(codes)), codes)


@pytest.mark.parametrize("seed", range(8))
def test_onnxruntime_equals_the_reference_bit_for_bit(tmp_path, seed):
    graph = random_graph(seed)
    target = load_target("host-onnxruntime")
    load_backend(target.backend).compile_graph(graph, target, tmp_path)
    inputs = random_inputs(graph, 6, seed)
    result = load_runner(target).run_artefact(tmp_path, target, inputs)
    np.testing.assert_array_equal(result.outputs, execute(graph, inputs, "float"))
    assert result.latency.kind == "measured"
    assert result.latency.value > 0


@pytest.mark.parametrize("seed", range(6))
def test_onnxruntime_adds_every_pair_of_codes_as_the_reference(tmp_path, seed):
    builder = GraphBuilder(np.random.default_rng(seed))
    source = builder.add_input((16, 16, 2))
    sides = [builder.conv(source, 256, relu6=False) for _ in range(2)]
    graph = builder.build(builder.add(*sides))
    add = graph.operators[-1]
    grids = np.meshgrid(np.arange(-128, 128, dtype=np.int8), np.arange(-128, 128, dtype=np.int8))
    codes = [grid.reshape(1, 16, 16, 256) for grid in grids]
    session = ort.InferenceSession(operator_twin(graph, add).SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {n: to_uint8(c).transpose(0, 3, 1, 2) for n, c in zip(add.inputs, codes, strict=True)}
    outputs = from_uint8(session.run(None, feeds)[0]).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(outputs, execute_operator(graph, add, codes, "float"))


def test_onnxruntime_executes_nothing_in_float(tmp_path):
    graph = small_mobilenet(0)
    target = load_target("host-onnxruntime")
    load_backend(target.backend).compile_graph(graph, target, tmp_path)
    details = load_runner(target).run_artefact(tmp_path, target, random_inputs(graph, 1, 0)).details
    executed = set(details["executed_operators"])
    assert executed <= {"QLinearConv", "QLinearAdd", "QLinearGlobalAveragePool", "Transpose", "Reshape"}


def test_openvino_executes_every_convolution_in_int8(tmp_path):
    graph = small_mobilenet(0)
    target = load_target("host-openvino")
    load_backend(target.backend).compile_graph(graph, target, tmp_path)
    details = load_runner(target).run_artefact(tmp_path, target, random_inputs(graph, 1, 0)).details
    convolutions = [p for p in details["executed_primitives"] if p["type"] == "Convolution"]
    assert len(convolutions) == sum(hasattr(op, "weight") for op in graph.operators)
    assert all(p["precision"] == "u8" for p in convolutions)


def with_options(**options):
    return load_target("host-openvino").model_copy(update={"openvino": OpenvinoOptions(**options)})


def test_openvino_measures_throughput_as_benchmark_app_does(monkeypatch, tmp_path):
    monkeypatch.setattr(host_openvino, "_THROUGHPUT_SECONDS", 0.2)
    graph, target = small_mobilenet(0), with_options(hint="throughput")
    load_backend(target.backend).compile_graph(graph, target, tmp_path)
    found = load_runner(target).run_artefact(tmp_path, target, random_inputs(graph, 3, 0)).details["throughput"]
    assert found["iterations"] > found["requests"] >= 1
    assert found["fps"] == pytest.approx(found["iterations"] / found["duration_ms"] * 1e3)
    assert 0 < found["median_latency_ms"] < found["duration_ms"]


def test_openvino_chooses_a_device_by_itself(tmp_path):
    graph, target = small_mobilenet(0), with_options(device="AUTO")
    load_backend(target.backend).compile_graph(graph, target, tmp_path)
    result = load_runner(target).run_artefact(tmp_path, target, random_inputs(graph, 1, 0))
    assert "OpenVINO device " in result.latency.where


@pytest.mark.parametrize("device", ["GPU", "NPU"])
def test_a_device_that_the_computer_lacks_is_named_with_those_it_has(monkeypatch, tmp_path, device):
    class Core(host_openvino.ov.Core):
        available_devices = ("CPU",)

    monkeypatch.setattr(host_openvino.ov, "Core", Core)
    target = with_options(device=device)
    with pytest.raises(SixfoldError, match=f"host-openvino.yaml: openvino.device: .* no {device} .* it has CPU"):
        load_runner(target).run_artefact(tmp_path, target, random_inputs(small_mobilenet(0), 1, 0))


@pytest.mark.parametrize("seed", range(2))
def test_openvino_differs_by_one_step_at_most_per_operator(seed):
    graph = random_graph(seed)
    tensors = execute_all(graph, random_inputs(graph, 2, seed), "float")
    for operator in graph.operators:
        sources = [tensors[name] for name in operator.inputs]
        outputs = host_openvino.run_operator(graph, operator, sources)
        expected = execute_operator(graph, operator, sources, "float")
        assert np.abs(outputs.astype(int) - expected).max() <= 1, operator.name


@pytest.mark.parametrize("name", TARGETS)
def test_the_same_graph_gives_the_same_bytes(tmp_path, name):
    target = load_target(name)
    written = []
    for attempt in ("first", "second"):
        folder = tmp_path / attempt
        folder.mkdir()
        load_backend(target.backend).compile_graph(small_mobilenet(7), target, folder)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    assert written[0]


@pytest.mark.parametrize("name", TARGETS)
def test_a_damaged_artefact_is_one_clear_error(tmp_path, name):
    graph, target = small_mobilenet(0), load_target(name)
    load_backend(target.backend).compile_graph(graph, target, tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SixfoldError, match="cannot load it") as error:
        load_runner(target).run_artefact(tmp_path, target, random_inputs(graph, 1, 0))
    assert "\n" not in str(error.value)

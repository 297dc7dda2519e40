"""The written file: what stands in it, and LiteRT's reference kernels on it against the fixed-point reference."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.backends.litert.writer import UNWEIGHTED_NAMES, saturates_as_relu6, write_operator, write_tflite
from pipeline.graph.ir import Conv2D, DepthwiseConv2D, FullyConnected, IntegerGraph, Tensor
from pipeline.graph.reference import execute_all, execute_operator
from tests.backends.litert.kernels import REFERENCE, all_tensors, load, run_once
from tests.backends.litert.networks import networks
from tests.graph.graphs import RELU6_SCALE, GraphBuilder, random_graph, random_inputs, small_mobilenet
from tests.imports import ROOT

CODES = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}


def parsed(content: bytes) -> schema.ModelT:
    return schema.ModelT.InitFromPackedBuf(content, 0)


def operators(model: schema.ModelT) -> list[tuple[str, schema.OperatorT]]:
    return [(CODES[model.operatorCodes[op.opcodeIndex].builtinCode], op) for op in model.subgraphs[0].operators]


def assert_equal_tensors(graph: IntegerGraph, content: bytes, seed: int, samples: int = 2) -> None:
    inputs = random_inputs(graph, samples, seed)
    expected = execute_all(graph, inputs, "fixed-point")
    for name, codes in all_tensors(content, graph, inputs).items():
        np.testing.assert_array_equal(codes, expected[name], err_msg=name)


@pytest.mark.parametrize("input_type", ["int8", "uint8"])
@pytest.mark.parametrize("seed", range(6))
def test_a_network_equals_the_reference_in_every_tensor(seed, input_type):
    graph = random_graph(seed)
    assert_equal_tensors(graph, write_tflite(graph, input_type), seed)


@settings(max_examples=100, deadline=None)
@given(networks(), st.integers(0, 1000), st.sampled_from(["operator", "kernel"]))
def test_any_graph_equals_the_reference_in_every_tensor(graph, seed, padding):
    assert_equal_tensors(graph, write_tflite(graph, padding=padding), seed)


@pytest.mark.parametrize("seed", range(3))
def test_addition_equals_the_reference_for_every_pair_of_codes(seed):
    builder = GraphBuilder(np.random.default_rng(seed))
    source = builder.add_input((16, 16, 2))
    graph = builder.build(builder.add(*(builder.conv(source, 256, relu6=False) for _ in range(2))))
    add = graph.operators[-1]
    codes = np.arange(-128, 128, dtype=np.int8)
    pairs = [grid.reshape(1, 16, 16, 256) for grid in np.meshgrid(codes, codes)]
    outputs = run_once(write_operator(graph, add), pairs)
    np.testing.assert_array_equal(outputs, execute_operator(graph, add, pairs, "fixed-point"))


def test_the_same_graph_gives_the_same_bytes_and_another_graph_others():
    first = write_tflite(small_mobilenet(7))
    assert write_tflite(small_mobilenet(7)) == first
    assert write_tflite(small_mobilenet(8)) != first


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_writes_the_same_bytes(hash_seed):
    code = (
        "import sys; from tests.graph.graphs import small_mobilenet; "
        "from pipeline.backends.litert.writer import UNWEIGHTED_NAMES, write_tflite; "
        "sys.stdout.buffer.write(write_tflite(small_mobilenet(7)))"
    )
    environment = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
    written = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment).stdout
    assert written == write_tflite(small_mobilenet(7))


def test_every_constant_lies_on_a_multiple_of_16_bytes():
    graph = random_graph(3)
    content = write_tflite(graph)
    model = schema.Model.GetRootAs(content)
    starts = []
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        if buffer.DataLength():
            starts.append(buffer._tab.Vector(buffer._tab.Offset(4)))
    assert len(starts) > 2 * sum(hasattr(op, "weight") for op in graph.operators)
    assert [start % 16 for start in starts] == [0] * len(starts)


def test_scales_zero_points_and_weights_are_the_graphs_to_the_bit():
    graph = small_mobilenet(1)
    model = parsed(write_tflite(graph))
    tensors = {tensor.name.decode(): tensor for tensor in model.subgraphs[0].tensors}
    for tensor in graph.tensors.values():
        written = tensors[tensor.name]
        assert written.shape.tolist() == [1, *tensor.shape]
        assert written.quantization.scale.tobytes() == np.float32(tensor.scale).tobytes()
        assert written.quantization.zeroPoint.tolist() == [tensor.zero_point]
    for operator in graph.operators:
        if isinstance(operator, Conv2D | DepthwiseConv2D | FullyConnected):
            weight, bias = tensors[f"{operator.name}/weight"], tensors[f"{operator.name}/bias"]
            assert bytes(model.buffers[weight.buffer].data) == operator.weight.tobytes()
            assert weight.quantization.scale.tobytes() == operator.weight_scale.tobytes()
            channels = weight.shape[weight.quantization.quantizedDimension]
            assert channels == len(operator.bias) == len(bias.quantization.scale)
            steps = np.float32(graph.tensors[operator.input].scale) * operator.weight_scale
            assert bias.quantization.scale.tobytes() == steps.tobytes()
            assert bytes(model.buffers[bias.buffer].data) == operator.bias.tobytes()


def test_the_file_says_what_the_network_is_for():
    metadata = {"sixfold.labels": json.dumps(["one", "zwölf"]), "sixfold.mean": "[0.5]", "sixfold.std": "[0.25]"}
    graph = replace(small_mobilenet(0), metadata=metadata)
    content = write_tflite(graph)
    model = parsed(content)
    found = {entry.name.decode(): bytes(model.buffers[entry.buffer].data) for entry in model.metadata}
    assert found.pop("min_runtime_version").rstrip(b"\0") == b"1.14.0"
    assert found.pop("sixfold.graph_sha256").decode() == graph.sha256()
    assert json.loads(found.pop(UNWEIGHTED_NAMES)) == ["add6", "pool11"]
    assert {name: text.decode() for name, text in found.items()} == metadata
    runner = load(content, REFERENCE).get_signature_runner("serving_default")
    assert list(runner.get_input_details()) == ["image"] and list(runner.get_output_details()) == ["logits"]


def test_operators_are_the_oldest_versions_and_only_those_needed():
    model = parsed(write_tflite(small_mobilenet(0, resolution=16), "uint8"))
    written = {CODES[code.builtinCode]: code.version for code in model.operatorCodes}
    assert written == {
        "QUANTIZE": 1,
        "PAD": 2,
        "CONV_2D": 3,
        "DEPTHWISE_CONV_2D": 3,
        "ADD": 2,
        "AVERAGE_POOL_2D": 2,
    }
    assert [code.deprecatedBuiltinCode for code in model.operatorCodes] == [
        code.builtinCode for code in model.operatorCodes
    ]


@pytest.mark.parametrize(("resolution", "pads"), [(17, 0), (16, 2)])
def test_padding_is_an_operator_only_where_same_would_differ(resolution, pads):
    # From 17 rows, both layers of stride 2 have an odd number; from 16, both an even one, where SAME differs.
    graph = small_mobilenet(0, resolution)
    model = parsed(write_tflite(graph))
    assert [name for name, _ in operators(model)].count("PAD") == pads
    assert "PAD" not in [name for name, _ in operators(parsed(write_tflite(graph, padding="kernel")))]


@given(st.floats(1e-4, 0.1), st.integers(-128, 127))
def test_relu6_is_written_exactly_where_it_clamps_nothing(scale, zero_point):
    least, most = max(-128, zero_point), min(127, zero_point + round(6 / scale))
    tensor = Tensor("t", (1, 1, 1), scale, zero_point)
    assert saturates_as_relu6(tensor) == ((least, most) == (-128, 127))


def test_relu6_is_the_fused_activation_of_layers_in_that_range_alone():
    graph = small_mobilenet(2)
    model = parsed(write_tflite(graph))
    names = {index: tensor.name.decode() for index, tensor in enumerate(model.subgraphs[0].tensors)}
    for code, operator in operators(model):
        if code in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            relu6 = graph.tensors[names[operator.outputs[0]]].scale == RELU6_SCALE
            activation = operator.builtinOptions.fusedActivationFunction
            assert activation == (schema.ActivationFunctionType.RELU6 if relu6 else schema.ActivationFunctionType.NONE)


def test_names_that_collide_are_told_apart():
    graph = small_mobilenet(0)
    stem = graph.operators[0]
    old, new = stem.output, f"{stem.name}/weight"
    renamed = IntegerGraph(
        {(new if n == old else n): (replace(t, name=new) if n == old else t) for n, t in graph.tensors.items()},
        tuple(
            replace(op, **{
                part: new
                for part in ("input", "left", "right", "output")
                if getattr(op, part, None) == old
            })
            for op in graph.operators
        ),
        graph.input,
        graph.output,
    )  # fmt: skip
    names = [tensor.name for tensor in parsed(write_tflite(renamed)).subgraphs[0].tensors]
    assert len(set(names)) == len(names)
    inputs = random_inputs(graph, 1, 0)
    np.testing.assert_array_equal(
        run_once(write_tflite(renamed), [inputs]).reshape(-1),
        execute_all(graph, inputs, "fixed-point")[graph.output].reshape(-1),
    )


def test_the_documented_operator_versions_are_those_written():
    row = re.compile(r"^\| `([A-Z0-9_]+)` \| (\d+) \|", flags=re.MULTILINE)
    documented = {name: int(version) for name, version in row.findall((ROOT / "docs" / "tflite.md").read_text())}
    model = parsed(write_tflite(small_mobilenet(0, resolution=16), "uint8"))
    assert documented == {CODES[code.builtinCode]: code.version for code in model.operatorCodes}

"""QDQ ONNX files that others made."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from pipeline.errors import SixfoldError
from pipeline.graph.ir import DepthwiseConv2D, FullyConnected, IntegerGraph
from pipeline.graph.qdq import int8_qdq
from pipeline.graph.reference import execute
from pipeline.importers.imported import Imported
from pipeline.importers.onnx_model import read_onnx
from tests.graph.graphs import random_graph, random_inputs, small_mobilenet
from tests.importers.onnx_files import unsigned
from tests.onnx_models import float_model, images


def imported(model: onnx.ModelProto) -> Imported:
    return read_onnx(model.SerializeToString(), "file")


def refused(model: onnx.ModelProto) -> str:
    with pytest.raises(SixfoldError) as error:
        imported(model)
    assert str(error.value).isprintable()
    return str(error.value)


def set_initializer(model: onnx.ModelProto, name: str, value: np.ndarray) -> None:
    next(i for i in model.graph.initializer if i.name == name).CopyFrom(numpy_helper.from_array(value, name))


@pytest.mark.parametrize("seed", range(4))
def test_uint8_activations_are_the_same_graph(seed):
    graph = random_graph(seed)
    found = imported(unsigned(graph))
    assert found.graph.sha256() == graph.sha256()
    assert found.notes == ("uint8 codes and zero points are written as int8, less 128: the same real numbers",)


def test_uint8_weights_about_128_are_the_same_graph():
    graph = small_mobilenet(1)
    model = int8_qdq(graph)
    weight = graph.operators[0].weight.transpose(0, 3, 1, 2)
    set_initializer(model, "conv0/weight", (weight.astype(np.int16) + 128).astype(np.uint8))
    set_initializer(model, "conv0/weight/zero_point", np.full(8, 128, np.uint8))
    assert imported(model).graph.sha256() == graph.sha256()


def test_asymmetric_uint8_weights_are_refused():
    model = int8_qdq(small_mobilenet(1))
    set_initializer(model, "conv0/weight", np.zeros((8, 1, 3, 3), np.uint8))
    set_initializer(model, "conv0/weight/zero_point", np.full(8, 100, np.uint8))
    assert "constant has a zero point other than 0" in refused(model)


class Images(CalibrationDataReader):
    def __init__(self) -> None:
        self.rows = iter(images(8, 3))

    def get_next(self) -> dict[str, np.ndarray] | None:
        row = next(self.rows, None)
        return None if row is None else {"input": row[np.newaxis]}


@pytest.mark.parametrize("activations", [QuantType.QInt8, QuantType.QUInt8])
def test_what_onnxruntimes_quantiser_makes_is_imported(tmp_path, activations):
    onnx.save(float_model(0), tmp_path / "float.onnx")
    quantize_static(
        tmp_path / "float.onnx",
        tmp_path / "int8.onnx",
        Images(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=activations,
        weight_type=QuantType.QInt8,
    )
    graph = read_onnx((tmp_path / "int8.onnx").read_bytes(), "file").graph
    assert isinstance(graph.operators[-1], FullyConnected)
    assert len(graph.operators) == 8


def rescaled_pool(seed: int) -> tuple[IntegerGraph, onnx.ModelProto]:
    """A network and its file whose pooled values have half the scale."""
    graph = small_mobilenet(seed)
    model = int8_qdq(graph)
    pooled = graph.operators[-2].output
    scale = np.float32(graph.tensors[pooled].scale) / 2
    set_initializer(model, f"{pooled}/scale", np.array(scale, np.float32))
    bias_scale = f"{graph.operators[-1].name}/bias/scale"
    set_initializer(model, bias_scale, (graph.operators[-1].weight_scale * scale).astype(np.float32))
    return graph, model


def test_pooling_to_another_scale_becomes_a_convolution():
    graph, model = rescaled_pool(2)
    found = imported(model)
    assert isinstance(found.graph.operators[-2], DepthwiseConv2D)
    assert len(found.notes) == 1
    assert "written as a depthwise convolution of 4x4 equal weights (512 bytes)" in found.notes[0]
    inputs = random_inputs(graph, 8, 1)
    real = []
    for each in (graph, found.graph):
        pooled = each.tensors[each.operators[-2].output]
        cut = IntegerGraph(each.tensors, each.operators[:-1], each.input, pooled.name)
        real.append((execute(cut, inputs, "fixed-point").astype(float) - pooled.zero_point) * pooled.scale)
    # Half a step of each, where the finer scale does not saturate.
    step = graph.tensors[graph.operators[-2].output].scale
    assert np.abs(np.minimum(real[0], real[1].max()) - real[1]).max() <= 0.75 * step


def test_nodes_without_names_are_named():
    graph = small_mobilenet(1)
    model = int8_qdq(graph)
    for node in model.graph.node:
        node.name = ""
    found = imported(model).graph
    assert len({operator.name for operator in found.operators}) == len(graph.operators)
    assert found.tensors == graph.tensors


def test_names_that_would_collide_are_replaced():
    graph = small_mobilenet(1)
    model = int8_qdq(graph)
    for node in model.graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                names[index] = {"t2": "t1/scale_"}.get(name, name)
    next(node for node in model.graph.node if node.name == "conv2").name = "conv0"
    found = imported(model).graph
    int8_qdq(found)


def test_too_many_nodes_are_refused(monkeypatch):
    monkeypatch.setattr("pipeline.importers.onnx_model._MOST_NODES", 10)
    assert "nodes; at most 10 are read" in refused(int8_qdq(small_mobilenet(1)))


def test_too_large_a_file_is_refused(monkeypatch):
    monkeypatch.setattr("pipeline.importers.onnx_model.LARGEST_FILE", 10)
    assert refused(int8_qdq(small_mobilenet(1))).endswith("bytes; at most 10 are read")


def test_constants_that_are_read_again_and_again_are_refused(monkeypatch):
    monkeypatch.setattr("pipeline.importers.onnx_model._READS_PER_BYTE", 0.1)
    assert "the file's nodes read the same constants again and again" in refused(int8_qdq(small_mobilenet(1)))


def test_a_cycle_is_refused():
    model = int8_qdq(small_mobilenet(1))
    nodes = list(model.graph.node)
    add = next(node for node in nodes if node.op_type == "Add")
    add.input[0] = nodes[-1].output[0]
    assert "not a valid ONNX model" in refused(model)


# What the fuzzer found.
def test_a_name_that_is_no_text_is_refused():
    data = int8_qdq(small_mobilenet(1)).SerializeToString().replace(b"conv0/bias", b"conv\xff/bias")
    with pytest.raises(SixfoldError, match="a name is no UTF-8 text"):
        read_onnx(data, "file")


def test_a_scalar_constant_with_several_scales_is_refused():
    model = int8_qdq(small_mobilenet(1))
    set_initializer(model, "conv0/bias", np.array(3, np.int32))
    assert "has 8 scales on axis 0; one per output channel" in refused(model)


def test_an_unknown_data_type_is_refused():
    model = int8_qdq(small_mobilenet(1))
    next(i for i in model.graph.initializer if i.name == "conv0/bias").data_type = 65
    assert "not a valid ONNX model" in refused(model)


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("strides", [0, 1], "strides is [0, 1]"),
        ("strides", [1], "strides is no list of 2"),
        ("strides", [2**40, 1], "strides is [1099511627776, 1]"),
        ("pads", [0, 0, -1, 0], "pads is [0, 0, -1, 0]"),
        ("kernel_shape", [5, 5], "kernel_shape is not that of the weight"),
    ],
)
def test_impossible_windows_are_refused(attribute, value, message):
    model = int8_qdq(small_mobilenet(1))
    node = next(node for node in model.graph.node if node.name == "conv0")
    kept = [a for a in node.attribute if a.name != attribute]
    del node.attribute[:]
    node.attribute.extend([*kept, onnx.helper.make_attribute(attribute, value)])
    assert message in refused(model)

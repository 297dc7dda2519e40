import hashlib

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from pipeline.errors import SixfoldError
from pipeline.graph.ir import IntegerGraph
from pipeline.graph.qdq import int8_qdq
from pipeline.graph.reader import read_graph
from tests.graph.graphs import random_graph, small_mobilenet


@pytest.fixture
def model() -> onnx.ModelProto:
    return int8_qdq(small_mobilenet(3))


def read(tmp_path, model: onnx.ModelProto) -> IntegerGraph:
    path = tmp_path / "model.int8.onnx"
    path.write_bytes(model.SerializeToString())
    return read_graph(path)


def node_named(model: onnx.ModelProto, name: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if node.name == name)


def initializer_named(model: onnx.ModelProto, name: str) -> onnx.TensorProto:
    return next(i for i in model.graph.initializer if i.name == name)


def set_initializer(model: onnx.ModelProto, name: str, value: np.ndarray) -> None:
    initializer_named(model, name).CopyFrom(numpy_helper.from_array(value, name))


def refused(tmp_path, model: onnx.ModelProto) -> str:
    with pytest.raises(SixfoldError) as error:
        read(tmp_path, model)
    message = str(error.value)
    assert "\n" not in message
    return message


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_writing_and_reading_is_the_identity(tmp_path_factory, seed):
    graph = random_graph(seed)
    again = read(tmp_path_factory.mktemp("reader"), int8_qdq(graph))
    assert again.sha256() == graph.sha256()


def test_metadata_is_kept(tmp_path, model):
    model.metadata_props.add(key="sixfold.labels", value='["a"]')
    model.metadata_props.add(key="other", value="ignored")
    assert read(tmp_path, model).metadata == {"sixfold.labels": '["a"]'}


def test_weights_cannot_be_changed(tmp_path, model):
    with pytest.raises(ValueError, match="read-only"):
        read(tmp_path, model).operators[0].weight[0] = 0


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused(tmp_path_factory, share):
    data = int8_qdq(small_mobilenet(3)).SerializeToString()
    path = tmp_path_factory.mktemp("truncated") / "model.int8.onnx"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SixfoldError, match=r"model\.int8\.onnx"):
        read_graph(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(SixfoldError, match="absent.onnx: cannot be read"):
        read_graph(tmp_path / "absent.onnx")


def test_external_data_is_refused(tmp_path, model):
    weight = initializer_named(model, "conv0/weight")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../elsewhere")
    assert "'conv0/weight' is stored in another file" in refused(tmp_path, model)


def test_an_unsupported_operator_is_named(tmp_path, model):
    node = node_named(model, "add6")
    node.op_type = "Mul"
    message = refused(tmp_path, model)
    assert "'add6' (Mul): operator is not supported" in message


def test_an_unsupported_domain_is_named(tmp_path, model):
    node_named(model, "add6").domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    assert "'add6' (Add): operator is not supported" in refused(tmp_path, model)


def test_a_wrong_input_shape_is_refused(tmp_path, model):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 8
    assert "input 'input' is FLOAT [8, 1, 16, 16]" in refused(tmp_path, model)


def test_a_dynamic_input_shape_is_refused(tmp_path, model):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    assert "['batch', 1, 16, 16]" in refused(tmp_path, model)


def test_a_float_model_is_refused(tmp_path):
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 1, 8, 8])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 1, 8, 8])
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"], name="sum")], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    assert "'sum' (Add): input 'x' is not an int8 activation" in refused(tmp_path, model)


def test_dilation_is_refused(tmp_path, model):
    node_named(model, "conv0").attribute.append(helper.make_attribute("dilations", [2, 2]))
    assert "'conv0' (Conv): dilation" in refused(tmp_path, model)


def test_an_asymmetric_weight_is_refused(tmp_path, model):
    set_initializer(model, "conv0/weight/zero_point", np.full(8, 3, np.int8))
    assert "'conv0/weight/dequantize' (DequantizeLinear): constant has a zero point" in refused(tmp_path, model)


@pytest.mark.parametrize("scale", [np.nan, np.inf, 0.0, -1.0])
def test_an_impossible_scale_is_refused(tmp_path, model, scale):
    set_initializer(model, "t1/scale", np.array(scale, np.float32))
    assert "scale is not a finite positive float32" in refused(tmp_path, model)


def test_a_bias_of_another_scale_is_refused(tmp_path, model):
    scale = numpy_helper.to_array(initializer_named(model, "conv0/bias/scale"))
    set_initializer(model, "conv0/bias/scale", (scale * 1.001).astype(np.float32))
    assert "'conv0' (Conv): bias is not int32 with scale" in refused(tmp_path, model)


def test_a_possible_accumulator_overflow_is_refused(tmp_path, model):
    bias = numpy_helper.to_array(initializer_named(model, "conv0/bias")).copy()
    bias[2] = 2**31 - 1
    set_initializer(model, "conv0/bias", bias)
    assert "'conv0' (Conv): weights and bias can overflow" in refused(tmp_path, model)


def test_pooling_that_changes_the_scale_is_refused(tmp_path, model):
    pooled = node_named(model, "pool11").output[0]
    set_initializer(model, f"{pooled}/scale", np.array(0.5, np.float32))
    assert "'pool11' (GlobalAveragePool): input and output must have one scale" in refused(tmp_path, model)


def test_a_result_used_in_float_is_refused(tmp_path, model):
    extra = helper.make_node("Flatten", [node_named(model, "conv0").output[0]], ["leak"], name="leak")
    model.graph.node.append(extra)
    assert "'conv0' (Conv): its result must be quantised and not used otherwise" in refused(tmp_path, model)


def test_the_hash_sees_every_weight():
    graph = small_mobilenet(3)
    before = graph.sha256()
    graph.operators[4].weight[0, 0, 0] ^= 1
    assert graph.sha256() != before
    assert len(before) == hashlib.sha256().digest_size * 2

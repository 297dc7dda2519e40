import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import numpy_helper

from calibration.network import forward
from calibration.onnx_network import UnsupportedModelError, network_from_onnx
from pipeline.channel_moments import KEY, ChannelMoments, encode_moments
from tests.onnx_models import float_model, images


def with_initializer(model: onnx.ModelProto, name: str, value: np.ndarray) -> onnx.ModelProto:
    for initializer in model.graph.initializer:
        if initializer.name == name:
            initializer.CopyFrom(numpy_helper.from_array(value.astype(np.float32), name))
    return model


def test_the_network_computes_what_onnx_runtime_computes():
    model = float_model(3)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = images(4, 1)
    network = network_from_onnx(model)
    got = forward(network, torch.from_numpy(inputs))[network.output].flatten(1).numpy()
    expected = np.concatenate([session.run(None, {"input": i[np.newaxis]})[0] for i in inputs])
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["depthwise.weight", "project.bias", "fc.weight"])
def test_a_weight_that_is_not_finite_is_refused_by_name(name, value):
    model = float_model(0)
    weight = next(numpy_helper.to_array(i) for i in model.graph.initializer if i.name == name).copy()
    weight.flat[1] = value
    with pytest.raises(UnsupportedModelError, match=f"'{name}' holds NaN or infinite"):
        network_from_onnx(with_initializer(model, name, weight))


def test_another_activation_is_refused():
    with pytest.raises(UnsupportedModelError, match="only ReLU6"):
        network_from_onnx(with_initializer(float_model(0), "six", np.array(1.0)))


def test_an_unknown_operator_is_refused_by_node():
    model = float_model(0)
    model.graph.node[0].op_type = "ConvTranspose"
    with pytest.raises(UnsupportedModelError, match=r"node 'stem' \(ConvTranspose\)"):
        network_from_onnx(model)


def test_moments_are_read_where_the_file_has_them():
    model = float_model(0)
    assert not network_from_onnx(model).has_moments
    node = next(node for node in model.graph.node if node.op_type == "Conv")
    channels = next(i.dims[0] for i in model.graph.initializer if i.name == node.input[1])
    moments = ChannelMoments(np.arange(channels, dtype=np.float32), np.ones(channels, np.float32))
    node.metadata_props.add(key=KEY, value=encode_moments(moments))
    network = network_from_onnx(model)
    assert network.has_moments
    # The activation behind the convolution does not lose them.
    read = network.layer(node.name).moments
    assert read is not None
    assert np.array_equal(read.mean, moments.mean)
    assert np.array_equal(read.deviation, moments.deviation)


def test_damaged_moments_are_refused_by_node():
    model = float_model(0)
    node = next(node for node in model.graph.node if node.op_type == "Conv")
    node.metadata_props.add(key=KEY, value="AAAA")
    with pytest.raises(UnsupportedModelError, match=rf"node '{node.name}' \(Conv\): sixfold\.batch_norm has 3 bytes"):
        network_from_onnx(model)

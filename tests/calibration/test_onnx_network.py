import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import numpy_helper

from calibration.network import forward
from calibration.onnx_network import UnsupportedModelError, network_from_onnx
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

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from calibration.affine import affine_quantization
from calibration.onnxruntime_ptq import quantize_by_onnxruntime
from calibration.relu6 import relu6_quantization
from pipeline.evaluation import sqnr_db
from pipeline.graph.ir import Conv2D, DepthwiseConv2D, IntegerGraph
from pipeline.graph.reader import read_graph
from pipeline.graph.reference import execute

SHAPE = (3, 16, 16)


def float_model(seed: int) -> onnx.ModelProto:
    """Stem, one inverted residual, pooling and classifier, as `export` writes them."""
    rng = np.random.default_rng(seed)
    initializers = [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in (("zero", 0.0), ("six", 6.0))]
    nodes = []

    def conv(source: str, name: str, shape: tuple[int, ...], relu6: bool, **attributes) -> str:
        fan_in = int(np.prod(shape[1:]))
        for part, value in (
            ("weight", rng.normal(0, 1.5 / np.sqrt(fan_in), shape)),
            ("bias", rng.normal(0, 0.2, shape[0])),
        ):
            initializers.append(numpy_helper.from_array(value.astype(np.float32), f"{name}.{part}"))
        nodes.append(
            helper.make_node("Conv", [source, f"{name}.weight", f"{name}.bias"], [name], name=name, **attributes)
        )
        if not relu6:
            return name
        nodes.append(helper.make_node("Clip", [name, "zero", "six"], [f"{name}.relu6"], name=f"{name}.relu6"))
        return f"{name}.relu6"

    stem = conv("input", "stem", (8, 3, 3, 3), relu6=True, strides=[2, 2], pads=[1] * 4)
    expanded = conv(stem, "expand", (24, 8, 1, 1), relu6=True)
    depthwise = conv(expanded, "depthwise", (24, 1, 3, 3), relu6=True, pads=[1] * 4, group=24)
    projected = conv(depthwise, "project", (8, 24, 1, 1), relu6=False)
    nodes.append(helper.make_node("Add", [stem, projected], ["add"], name="add"))
    last = conv("add", "last", (32, 8, 1, 1), relu6=True)
    nodes.append(helper.make_node("AveragePool", [last], ["pool"], name="pool", kernel_shape=[8, 8], strides=[8, 8]))
    nodes.append(helper.make_node("Flatten", ["pool"], ["flat"], name="flatten"))
    initializers.append(numpy_helper.from_array(rng.normal(0, 0.3, (5, 32)).astype(np.float32), "fc.weight"))
    initializers.append(numpy_helper.from_array(rng.normal(0, 0.3, 5).astype(np.float32), "fc.bias"))
    nodes.append(helper.make_node("Gemm", ["flat", "fc.weight", "fc.bias"], ["logits"], name="classifier", transB=1))
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *SHAPE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 5])],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def images(count: int, seed: int) -> np.ndarray:
    """Smooth random images in [0, 1]: (count, channels, height, width)."""
    coarse = np.random.default_rng(seed).random((count, 3, 4, 4), dtype=np.float32)
    return coarse.repeat(4, axis=2).repeat(4, axis=3)


@pytest.fixture(scope="module")
def quantized() -> tuple[onnx.ModelProto, onnx.ModelProto]:
    model = float_model(0)
    return model, quantize_by_onnxruntime(model, images(16, 1), affine_quantization(0, 1))


def graph_of(model: onnx.ModelProto, folder) -> IntegerGraph:
    path = folder / "model.int8.onnx"
    path.write_bytes(model.SerializeToString())
    return read_graph(path)


def test_every_relu6_output_has_the_bounded_range_and_no_clip_remains(quantized, tmp_path):
    graph = graph_of(quantized[1], tmp_path)
    scale, zero_point = relu6_quantization()
    clamped = {op.name: graph.tensors[op.output] for op in graph.operators if op.name not in ("project", "add")}
    del clamped["classifier"]
    assert set(clamped) == {"stem", "expand", "depthwise", "last", "pool"}
    assert {(t.scale, t.zero_point) for t in clamped.values()} == {(float(scale), int(zero_point))}
    assert not [node.name for node in quantized[1].graph.node if node.op_type == "Clip"]


def test_the_input_has_the_range_known_beforehand(quantized, tmp_path):
    graph = graph_of(quantized[1], tmp_path)
    source = graph.tensors[graph.input]
    assert (source.scale, source.zero_point) == (float(np.float32(1 / 255)), -128)


def test_weights_are_per_channel_and_within_half_a_step(quantized, tmp_path):
    model, result = quantized
    weights = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    for op in graph_of(result, tmp_path).operators:
        if isinstance(op, Conv2D | DepthwiseConv2D):
            exact = weights[f"{op.name}.weight"]
            depthwise = isinstance(op, DepthwiseConv2D)
            codes = op.weight.transpose(2, 0, 1)[:, None] if depthwise else op.weight.transpose(0, 3, 1, 2)
            scale = op.weight_scale.reshape(-1, 1, 1, 1)
            assert len(set(op.weight_scale.tolist())) > 1
            assert np.abs(codes * scale - exact).max() <= 0.5001 * scale.max()


def test_the_integer_graph_computes_nearly_the_float_model(quantized, tmp_path):
    model, result = quantized
    graph = graph_of(result, tmp_path)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = images(32, 2)
    exact = np.concatenate([session.run(None, {"input": i[np.newaxis]})[0] for i in inputs])
    codes = np.rint(inputs.transpose(0, 2, 3, 1) * 255 - 128).astype(np.int8)
    output = graph.tensors[graph.output]
    for family in ("fixed-point", "float"):
        logits = (execute(graph, codes, family).astype(np.float32) - output.zero_point) * np.float32(output.scale)
        # 8 bits carry some 40 dB; a wrong scale, layout or padding anywhere leaves a few dB.
        ratio = sqnr_db(exact - exact.mean(axis=0), logits - exact.mean(axis=0))
        assert ratio is not None
        assert ratio > 15, family


def test_quantising_twice_gives_the_same_bytes(quantized):
    again = quantize_by_onnxruntime(float_model(0), images(16, 1), affine_quantization(0, 1))
    assert again.SerializeToString(deterministic=True) == quantized[1].SerializeToString(deterministic=True)

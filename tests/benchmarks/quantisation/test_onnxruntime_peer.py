from typing import get_args

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from benchmarks.quantisation.onnxruntime_peer import Ranges, quantize_by_onnxruntime, relu6_at_six
from calibration.affine import affine_quantization
from calibration.relu6 import relu6_quantization
from pipeline.evaluation import sqnr_db
from pipeline.graph.ir import Conv2D, DepthwiseConv2D, IntegerGraph
from pipeline.graph.reader import read_graph
from pipeline.graph.reference import execute
from tests.onnx_models import float_model, images

RANGES = get_args(Ranges)


@pytest.fixture(scope="module")
def quantized() -> tuple[onnx.ModelProto, onnx.ModelProto]:
    model = float_model(0)
    return model, bounded(model)


def bounded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Quantised with every ReLU6 at six and the input's range known."""
    known = relu6_at_six(model) | {"input": affine_quantization(0, 1)}
    return quantize_by_onnxruntime(model, images(16, 1), known=known)


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
    again = bounded(float_model(0))
    assert again.SerializeToString(deterministic=True) == quantized[1].SerializeToString(deterministic=True)


def test_histograms_clip_what_extremes_do_not(tmp_path):
    graphs = {r: graph_of(quantize_by_onnxruntime(float_model(0), images(16, 1), r), tmp_path) for r in RANGES}
    for name, tensor in graphs["MinMax"].tensors.items():
        assert all(graph.tensors[name].scale <= tensor.scale * (1 + 1e-6) for graph in graphs.values())
    assert any(t.scale < 0.9999 * graphs["MinMax"].tensors[n].scale for n, t in graphs["Percentile"].tensors.items())

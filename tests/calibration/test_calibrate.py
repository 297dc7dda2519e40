import numpy as np
import pytest
import torch

from calibration.calibrate import noise_by_layer, quantize_network, steps, synthetic_needed
from calibration.network import Network, forward
from calibration.options import Options
from pipeline.evaluation import sqnr_db
from pipeline.graph.ir import IntegerGraph
from pipeline.graph.qdq import int8_qdq
from pipeline.graph.reader import read_graph
from pipeline.graph.reference import execute
from tests.calibration.networks import BOUNDS, images, network, no_images

ALL = Options()
PLAIN = Options(clip=False, centre=False, equalise=False, rounding="nearest", correct_bias=False, correct_stream=False)


def quantize(net: Network, calibration: np.ndarray, options: Options = ALL) -> IntegerGraph:
    return quantize_network(net, calibration, no_images(), BOUNDS, options).graph


def logits(
    net: Network, graph: IntegerGraph, inputs: np.ndarray, family: str = "fixed-point"
) -> tuple[np.ndarray, np.ndarray]:
    """Of the float network and of the graph, both real."""
    exact = forward(net, torch.from_numpy(inputs))[net.output].flatten(1).numpy()
    source, output = graph.tensors[graph.input], graph.tensors[graph.output]
    codes = np.rint(inputs.transpose(0, 2, 3, 1) / np.float32(source.scale)) + source.zero_point
    result = execute(graph, np.clip(codes, -128, 127).astype(np.int8), family)
    return exact, (result.astype(np.float32) - output.zero_point) * np.float32(output.scale)


def ratio(net: Network, graph: IntegerGraph, family: str = "fixed-point") -> float:
    """Signal to noise of the variation of the logits, on images that calibration has not seen, in dB."""
    exact, real = logits(net, graph, images(64, seed=99), family)
    value = sqnr_db(exact - exact.mean(0), real - exact.mean(0))
    assert value is not None
    return value


@pytest.fixture(scope="module")
def net() -> Network:
    return network()


@pytest.fixture(scope="module")
def graph(net) -> IntegerGraph:
    return quantize(net, images(64))


@pytest.mark.parametrize("family", ["fixed-point", "float"])
def test_the_graph_computes_nearly_the_float_network(net, graph, family):
    assert ratio(net, graph, family) > 16


def test_all_methods_together_are_better_than_none(net, graph):
    assert ratio(net, graph) > ratio(net, quantize(net, images(64), PLAIN)) + 3


def test_the_graph_survives_its_file(graph, tmp_path):
    path = tmp_path / "model.int8.onnx"
    path.write_bytes(int8_qdq(graph).SerializeToString(deterministic=True))
    assert read_graph(path).sha256() == graph.sha256()


def test_names_and_metadata_are_the_float_models(net, graph):
    assert [operator.name for operator in graph.operators] == [layer.name for layer in net.layers]
    assert (graph.input, graph.output) == (net.input, net.output)
    assert dict(graph.metadata) == {"sixfold.labels": "[]"}


def test_relu6_outputs_saturate_at_zero_and_at_most_at_six(net, graph):
    for layer in net.layers:
        if layer.relu6:
            tensor = graph.tensors[layer.name]
            assert tensor.zero_point == -128
            assert 0 < tensor.scale <= float(np.float32(6 / 255))


def test_the_input_has_the_range_of_the_pixels(graph):
    source = graph.tensors[graph.input]
    assert (source.scale, source.zero_point) == (float(np.float32(1 / 255)), -128)


def test_the_same_arguments_give_the_same_bytes_on_any_number_of_threads(net, graph):
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert quantize(network(), images(64)).sha256() == graph.sha256()
        assert torch.get_num_threads() == threads + 1
    finally:
        torch.set_num_threads(threads)


def test_progress_reports_every_step(net):
    done: list[int] = []
    synthetic = images(synthetic_needed(56), seed=5)
    quantize_network(net, images(56), synthetic, BOUNDS, Options(), done.append)
    assert sum(done) == steps(net, 56)


@pytest.mark.parametrize("count", [0, 1])
def test_synthetic_images_make_up_for_missing_ones(net, count):
    synthetic = images(synthetic_needed(count), seed=7)
    result = quantize_network(net, images(count), synthetic, BOUNDS, Options())
    assert ratio(net, result.graph) > 12


def test_one_image_alone_is_computed_well_and_others_not_at_random(net):
    graph = quantize(net, images(1))
    assert sqnr_db(*logits(net, graph, images(1))) > 25
    assert ratio(net, graph) > 0


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_constant_image_is_computed_well(net, value):
    constant = np.full((1, 3, 16, 16), value, np.float32)
    graph = quantize(net, constant)
    assert all(np.isfinite(tensor.scale) and tensor.scale > 0 for tensor in graph.tensors.values())
    assert sqnr_db(*logits(net, graph, constant)) > 25


@pytest.mark.parametrize("name", ["stem", "second.expand", "second.depthwise", "second.project", "last"])
def test_a_channel_that_is_always_zero_is_handled(name):
    net = network()
    layer = net.layer(name)
    weight, bias = (part.copy() for part in layer.parameters())
    weight[1], bias[1] = 0, 0
    dead = net.with_layers({name: type(layer)(**{**vars(layer), "weight": weight, "bias": bias})})
    assert ratio(dead, quantize(dead, images(16))) > 12


def test_a_layer_that_is_always_zero_is_handled():
    net = network()
    layer = net.layer("last")
    weight, _ = layer.parameters()
    dead = net.with_layers({"last": type(layer)(**{**vars(layer), "bias": np.full(len(weight), -1e3, np.float32)})})
    graph = quantize(dead, images(8))
    assert all(np.isfinite(tensor.scale) and tensor.scale > 0 for tensor in graph.tensors.values())
    # What is left is the classifier's bias, whatever the image.
    exact, real = logits(dead, graph, images(4, seed=99))
    np.testing.assert_allclose(real, exact, atol=1.01 * graph.tensors[graph.output].scale)


def test_images_that_cannot_be_used_are_refused(net):
    broken = images(2)
    broken[1, 0, 0, 0] = np.nan
    for bad in (no_images(), broken, images(2)[:, :, :8]):
        with pytest.raises(ValueError, match="calibration"):
            quantize(net, bad)


def test_a_bias_beyond_32_bits_is_refused_by_name(net):
    layer = net.layer("third.project")
    weight, bias = (part.copy() for part in layer.parameters())
    weight[0], bias[0] = 1e-30, 1e6
    huge = net.with_layers({"third.project": type(layer)(**{**vars(layer), "weight": weight, "bias": bias})})
    with pytest.raises(ValueError, match=r"third\.project.*32 bits"):
        quantize(huge, images(4), Options(centre=False, correct_bias=False))


def test_noise_is_reported_for_every_layer(net):
    result = quantize_network(net, images(64), no_images(), BOUNDS, Options())
    layers = noise_by_layer(net, result, images(16, seed=3), seed=0)
    assert [layer.name for layer in layers] == [layer.name for layer in net.layers]
    for layer, noise in zip(net.layers, layers, strict=True):
        # The pooled tensor is rounded too.
        assert noise.sqnr_db is not None
        assert noise.activations_db is not None
        assert (noise.weights_db is not None) == layer.weighted
    total = -10 * np.log10(sum(10 ** (-(noise.sqnr_db or np.inf) / 10) for noise in layers))
    measured = sqnr_db(*logits(net, result.graph, images(16, seed=3)))
    # The sum of what each layer alone costs is what all of them cost together.
    assert total == pytest.approx(measured, abs=3)

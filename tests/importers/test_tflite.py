"""Files as TensorFlow's converter writes them: every tensor against LiteRT's reference kernels, and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from pipeline.errors import SixfoldError
from pipeline.graph.ir import Conv2D, DepthwiseConv2D, FullyConnected, GlobalAveragePool, IntegerGraph, Padding
from pipeline.graph.reference import execute_all
from pipeline.importers.imported import Imported
from pipeline.importers.tflite import read_tflite
from pipeline.importers.tflite_file import TfliteFile
from tests.backends.litert.kernels import REFERENCE, load
from tests.graph.graphs import random_inputs
from tests.importers.files import (
    ACTIVATIONS,
    CODES,
    OPTIONS,
    PADDING,
    TYPES,
    Network,
    changed,
    keras_like,
    small,
    uint8_ends,
)


def imported(data: bytes) -> Imported:
    return read_tflite(TfliteFile(data, "file"))


def refused(data: bytes) -> str:
    with pytest.raises(SixfoldError) as error:
        imported(data)
    message = str(error.value)
    assert message.startswith("file: ")
    assert message.isprintable()
    return message.removeprefix("file: ")


def classifier(convolution: Callable[[Network], Any] = lambda network: None) -> bytes:
    """A network with `convolution` in its middle."""
    network = Network()
    network.int8_input()
    convolution(network)
    network.average_pool()
    network.reshape((1, network.shape[3]))
    network.fully_connected(per_channel=True)
    return network.finish()


def all_equal(data: bytes, graph: IntegerGraph, seed: int = 0) -> dict[str, int]:
    """Largest difference from LiteRT's reference kernels, per tensor of the graph that the file has as well."""
    interpreter = load(data, REFERENCE, preserve=True)
    (entry,) = interpreter.get_input_details()
    indices = {details["name"].partition(";")[0]: details["index"] for details in interpreter.get_tensor_details()}
    source = graph.tensors[graph.input]
    worst = dict.fromkeys(graph.tensors, 0)
    for image in random_inputs(graph, 4, seed):
        match entry["dtype"]:
            case np.int8:
                value: Any = image
            case np.uint8:
                value = (image.astype(np.int16) + 128).astype(np.uint8)
            case _:
                value = (image.astype(np.float32) - source.zero_point) * np.float32(source.scale)
        interpreter.set_tensor(entry["index"], value[np.newaxis])
        interpreter.invoke()
        expected = execute_all(graph, image[np.newaxis], "fixed-point")
        for name in graph.tensors:
            codes = interpreter.get_tensor(indices[name]).reshape(expected[name].shape).astype(int)
            worst[name] = max(worst[name], int(np.abs(codes - expected[name]).max()))
    return worst


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("network", [keras_like, uint8_ends])
def test_every_tensor_before_the_classifier_equals_litert(network, seed):
    data = network(seed).finish()
    graph = imported(data).graph
    worst = all_equal(data, graph, seed)
    # LiteRT rounds once in FULLY_CONNECTED, where microcontrollers' kernels and the graph round twice.
    assert worst.pop(graph.output) <= 1
    assert len(worst) == 11
    assert set(worst.values()) == {0}


@pytest.mark.parametrize("seed", range(4))
def test_with_a_convolution_as_classifier_the_logits_are_equal_too(seed):
    data = small(seed).finish()
    graph = imported(data).graph
    assert set(all_equal(data, graph, seed).values()) == {0}
    assert isinstance(graph.operators[-1], FullyConnected)


def test_what_is_left_out_or_rewritten_is_said():
    assert imported(keras_like().finish()).notes == (
        "operator 0 (QUANTIZE): left out; the graph takes the int8 codes",
        "operator 11 (MEAN): written as a depthwise convolution of 2x2 equal weights (48 bytes), which gives the same "
        "code for every input",
        "operator 13 (SOFTMAX): left out; the graph gives the logits, the largest of which is of a class with the "
        "largest score",
        "operator 14 (DEQUANTIZE): left out; the graph gives the logits, the largest of which is of a class with the "
        "largest score",
    )


def test_a_pad_is_taken_into_the_convolution_that_follows():
    graph = imported(keras_like().finish()).graph
    padded = [op for op in graph.operators if isinstance(op, DepthwiseConv2D) and op.stride == (2, 2)]
    assert [op.padding for op in padded] == [Padding(0, 0, 1, 1)]
    assert len(graph.operators) == 11


def test_same_puts_the_odd_row_behind_and_adds_to_what_was_padded():
    def layers(network: Network) -> None:
        network.pad([[1, 0], [0, 2]])
        network.convolution("Conv", 4, 3, 2, padding=PADDING.SAME)

    data = classifier(layers)
    graph = imported(data).graph
    assert graph.operators[0].padding == Padding(2, 0, 1, 3)
    worst = all_equal(data, graph)
    worst.pop(graph.output)
    assert set(worst.values()) == {0}


def test_padv2_with_the_zero_point_is_padding_and_with_another_code_refused():
    def layers(network: Network, fill: int) -> None:
        network.pad([[1, 1], [1, 1]], fill)
        network.convolution("Conv", 4, 3, padding=PADDING.VALID)

    assert imported(classifier(lambda network: layers(network, -128))).graph.operators[0].padding == Padding(1, 1, 1, 1)
    message = refused(classifier(lambda network: layers(network, 0)))
    assert message == "operator 0 (PADV2): fills with another value than -128, the code of zero"


def test_several_filters_on_one_channel_are_a_convolution():
    network = Network()
    network.int8_input((1, 8, 8, 1))
    network.depthwise("depthwise", multiplier=6, stride=2)
    network.average_pool()
    network.fully_connected(per_channel=True)
    data = network.finish()
    graph = imported(data).graph
    assert isinstance(graph.operators[0], Conv2D)
    worst = all_equal(data, graph)
    worst.pop(graph.output)
    assert set(worst.values()) == {0}


def test_several_filters_on_several_channels_are_refused():
    message = refused(classifier(lambda network: network.depthwise("depthwise", multiplier=2)))
    assert message == "operator 0 (DEPTHWISE_CONV_2D): has 2 filters for each of 3 channels; only one each is supported"


def test_a_mean_of_one_element_is_average_pooling():
    network = Network()
    network.int8_input((1, 3, 3, 2))
    network.convolution("Conv", 4, 3, padding=PADDING.VALID)
    network.mean(network.last_scale)
    network.fully_connected()
    assert isinstance(imported(network.finish()).graph.operators[1], GlobalAveragePool)


def test_a_mean_that_nothing_computes_is_refused():
    network = Network()
    network.int8_input((1, 7, 7, 2), 0.02, 0)
    network.mean(0.02, 0)
    network.fully_connected()
    assert refused(network.finish()).startswith(
        "operator 0 (MEAN): no operator of the graph computes this mean of 49 codes"
    )


@pytest.mark.parametrize(
    ("activation", "scale", "zero_point", "clamp"),
    [
        (ACTIVATIONS.RELU6, 0.03, -128, "RELU6 clamps codes to -128..72"),
        (ACTIVATIONS.RELU6, 0.02, -20, "RELU6 clamps codes to -20..127"),
        (ACTIVATIONS.RELU, 0.05, -127, "RELU clamps codes to -127..127"),
        (ACTIVATIONS.RELU_N1_TO_1, 0.01, 0, "RELU_N1_TO_1 clamps codes to -100..100"),
    ],
)
def test_an_activation_that_does_more_than_saturate_is_refused(activation, scale, zero_point, clamp):
    def layers(network: Network) -> None:
        network.convolution("Conv", 4, activation=activation, scale=scale, zero_point=zero_point)

    assert refused(classifier(layers)).startswith(f"operator 0 (CONV_2D): its fused {clamp}, where the integer graph")


@pytest.mark.parametrize(
    ("activation", "scale", "zero_point"),
    [
        (ACTIVATIONS.RELU6, 6 / 255, -128),
        (ACTIVATIONS.RELU6, 0.01, -128),
        (ACTIVATIONS.RELU, 0.5, -128),
        (ACTIVATIONS.RELU_N1_TO_1, 1 / 128, 0),
        (ACTIVATIONS.NONE, 0.3, 9),
    ],
)
def test_an_activation_that_only_saturates_is_taken(activation, scale, zero_point):
    data = classifier(
        lambda network: network.convolution("Conv", 4, activation=activation, scale=scale, zero_point=zero_point)
    )
    graph = imported(data).graph
    worst = all_equal(data, graph)
    worst.pop(graph.output)
    assert set(worst.values()) == {0}


def set_code(index: int, code: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        entry = model.operatorCodes[model.subgraphs[0].operators[index].opcodeIndex]
        entry.builtinCode, entry.deprecatedBuiltinCode = code, min(code, 127)

    return change


def of_tensor(name: str, change: Callable[[Any], None]) -> Callable[[Any], None]:
    def changes(model: Any) -> None:
        change(next(t for t in model.subgraphs[0].tensors if t.name.startswith(name.encode())))

    return changes


def of_operator(index: int, change: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda model: change(model.subgraphs[0].operators[index])


def setting(**values: Any) -> Callable[[Any], None]:
    def change(part: Any) -> None:
        for name, value in values.items():
            *path, last = name.split("__")
            for step in path:
                part = getattr(part, step)
            setattr(part, last, value)

    return change


# Operators of small(): 0 CONV_2D, 1 AVERAGE_POOL_2D, 2 CONV_2D.
REFUSALS: dict[str, tuple[Callable[[Any], None], str]] = {
    "unsupported": (
        set_code(1, CODES.RESIZE_BILINEAR),
        "operator 1 (RESIZE_BILINEAR): is not supported; supported are ADD, AVERAGE_POOL_2D, CONV_2D,",
    ),
    "above 127": (set_code(1, CODES.GELU), "operator 1 (GELU): is not supported"),
    "custom": (set_code(1, CODES.CUSTOM), "operator 1 (custom ''): is not supported"),
    "unknown code": (set_code(1, 5000), "operator 1 (operator code 5000): is not supported"),
    "float": (of_tensor("Conv;", setting(type=TYPES.FLOAT32)), "tensor 3 ('Conv;Conv/BiasAdd'): is FLOAT32; only int8"),
    "float weights": (
        of_tensor("Conv/weights", setting(type=TYPES.FLOAT32)),
        "operator 0 (CONV_2D): its weights are FLOAT32; only int8 weights",
    ),
    "uint8 weights": (
        of_tensor("Conv/weights", setting(type=TYPES.UINT8)),
        "operator 0 (CONV_2D): its weights are UINT8; only int8 weights can be imported (asymmetric, the quantisation",
    ),
    "int16 input": (of_tensor("image", setting(type=TYPES.INT16)), "operator 0 (CONV_2D): its input is INT16"),
    "asymmetric weights": (
        of_tensor("Conv/weights", setting(quantization__zeroPoint=[3] * 4)),
        "operator 0 (CONV_2D): its weights have a zero point other than 0",
    ),
    "scales on another axis": (
        of_tensor("Conv/weights", setting(quantization__quantizedDimension=3)),
        "operator 0 (CONV_2D): its weights have 4 scales along axis 3",
    ),
    "too few scales": (
        of_tensor("Conv/weights", setting(quantization__scale=[0.1] * 3)),
        "operator 0 (CONV_2D): its weights have 3 scales along axis 0",
    ),
    "scale 0": (
        of_tensor("Conv/weights", setting(quantization__scale=[0.0] * 4)),
        "operator 0 (CONV_2D): a weight scale is not a finite number above 0",
    ),
    "scale nan": (
        of_tensor("Conv;", setting(quantization__scale=[float("nan")])),
        "tensor 3 ('Conv;Conv/BiasAdd'): has scale nan",
    ),
    "scale tiny": (of_tensor("image", setting(quantization__scale=[1e-38])), "tensor 0 ('image'): has scale 1e-38"),
    "zero point 128": (
        of_tensor("image", setting(quantization__zeroPoint=[128])),
        "tensor 0 ('image'): has zero point",
    ),
    "several scales": (
        of_tensor("image", setting(quantization__scale=[0.1] * 2)),
        "tensor 0 ('image'): has 2 scales and 1 zero points",
    ),
    "not quantised": (of_tensor("Conv;", setting(quantization=None)), "tensor 3 ('Conv;Conv/BiasAdd'): has 0 scales"),
    "bias scale": (
        of_tensor("Conv/biases", setting(quantization__scale=[0.5] * 4)),
        "operator 0 (CONV_2D): its bias does not have the scale input scale x weight scale",
    ),
    "bias length": (
        of_tensor("Conv/biases", setting(shape=[2, 2])),
        "operator 0 (CONV_2D): its bias is no constant of 4 int32",
    ),
    "weights too short": (
        of_tensor("Conv/weights", setting(shape=[4, 3, 3, 2])),
        "operator 0 (CONV_2D): its weights are no constant of 4 axes",
    ),
    "no weights": (of_operator(0, setting(inputs=[0])), "operator 0 (CONV_2D): has no weights"),
    "wrong output shape": (
        of_tensor("Conv;", setting(shape=[1, 3, 2, 4])),
        "tensor 3 ('Conv;Conv/BiasAdd'): has shape",
    ),
    "negative axis": (of_tensor("Conv;", setting(shape=[1, -2, 2, 4])), "tensor 3 ('Conv;Conv/BiasAdd'): shape [1, -2"),
    "too many elements": (
        of_tensor("Conv;", setting(shape=[2**30, 2**30, 2**30, 2**30])),
        "tensor 3 ('Conv;Conv/BiasAdd'): shape [1073741824",
    ),
    "no buffer": (of_tensor("Conv;", setting(buffer=99)), "tensor 3 ('Conv;Conv/BiasAdd'): there is no buffer 99"),
    "dilation": (
        of_operator(0, setting(builtinOptions__dilationHFactor=2)),
        "operator 0 (CONV_2D): its dilation is 2x1",
    ),
    "stride 0": (of_operator(0, setting(builtinOptions__strideW=0)), "operator 0 (CONV_2D): its stride is 2x0"),
    "huge stride": (of_operator(0, setting(builtinOptions__strideW=2**31 - 1)), "operator 0 (CONV_2D): its stride is"),
    "padding": (of_operator(0, setting(builtinOptions__padding=2)), "operator 0 (CONV_2D): its padding 2 is neither"),
    "tanh": (
        of_operator(0, setting(builtinOptions__fusedActivationFunction=4)),
        "operator 0 (CONV_2D): its fused activation 4 is not supported",
    ),
    "no options": (
        of_operator(0, setting(builtinOptions=None, builtinOptionsType=0)),
        "operator 0 (CONV_2D): has no parameters",
    ),
    "partial pooling": (
        of_operator(1, setting(builtinOptions__filterHeight=1)),
        "operator 1 (AVERAGE_POOL_2D): its window is 1x2 on a map of 2x2",
    ),
    "pooling to another scale": (
        of_tensor("pool", setting(quantization__scale=[0.5])),
        "operator 1 (AVERAGE_POOL_2D): its result has another scale",
    ),
    "reads what comes later": (
        of_operator(0, setting(inputs=[4, 1, 2])),
        "operator 0 (CONV_2D): its input 0 is no activation that was computed before it",
    ),
    "writes twice": (of_operator(1, setting(outputs=[3])), "operator 1 (AVERAGE_POOL_2D)"),
    "two outputs": (of_operator(1, setting(outputs=[4, 3])), "operator 1 (AVERAGE_POOL_2D): has 2 outputs"),
    "many operands": (of_operator(1, setting(inputs=[3] * 65)), "operator 1 (AVERAGE_POOL_2D): refers to a tensor"),
    "no tensor": (of_operator(1, setting(inputs=[77])), "operator 1 (AVERAGE_POOL_2D): refers to a tensor"),
    "two inputs": (lambda model: setattr(model.subgraphs[0], "inputs", [0, 0]), "has 2 inputs and 1 outputs"),
    "output is a map": (lambda model: setattr(model.subgraphs[0], "outputs", [3]), "its output has shape [2, 2, 4]"),
    "output is the input": (lambda model: setattr(model.subgraphs[0], "outputs", [0]), "its output"),
    "output is a constant": (lambda model: setattr(model.subgraphs[0], "outputs", [1]), "its output is not computed"),
    "unused result": (
        lambda model: setattr(model.subgraphs[0], "outputs", [4]),
        "tensor 'logits' is computed and never",
    ),
    "two subgraphs": (lambda model: model.subgraphs.append(model.subgraphs[0]), "2 subgraphs; a classifier has one"),
    "old schema": (lambda model: setattr(model, "version", 2), "schema version 2; only 3 is known"),
    "sparse": (
        of_tensor("Conv/weights", setting(sparsity=schema.SparsityParametersT())),
        "operator 0 (CONV_2D): its weights are no constant",
    ),
    "variable": (
        of_tensor("Conv;", setting(isVariable=True)),
        "tensor 3 ('Conv;Conv/BiasAdd'): has custom quantisation",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_not_understood_is_refused_by_operator_or_tensor(case):
    change, message = REFUSALS[case]
    assert refused(changed(small().finish(), change)).startswith(message)


def test_an_overflow_of_the_accumulator_is_refused():
    def change(model: Any) -> None:
        bias = next(t for t in model.subgraphs[0].tensors if t.name == b"Conv/biases")
        model.buffers[bias.buffer].data = np.full(4, 2**31 - 1, "<i4").view(np.uint8)

    assert refused(changed(small().finish(), change)) == (
        "operator 0 (CONV_2D): weights and bias can overflow the int32 accumulator"
    )


def test_a_factor_that_overflows_is_refused():
    def change(model: Any) -> None:
        tensors = model.subgraphs[0].tensors
        weights, bias = (next(t for t in tensors if t.name == f"Conv/{p}".encode()) for p in ("weights", "biases"))
        weights.quantization.scale = [1e5] * 4
        bias.quantization.scale = [1e5 / 255] * 4

    message = refused(changed(small().finish(), change))
    assert message == "operator 0 (CONV_2D): the accumulator times its factor can overflow int32"


def test_an_addition_whose_factor_overflows_is_refused():
    def layers(network: Network) -> None:
        first = network.convolution("first", 3)
        network.convolution("second", 3)
        network.add(first, scale=1e-8)

    assert "operator 2 (ADD): its result's scale 1e-08 is a millionth" in refused(classifier(layers))


def test_scores_cannot_be_computed_with():
    network = Network()
    network.int8_input()
    network.average_pool()
    network.softmax()
    network.fully_connected()
    assert refused(network.finish()) == (
        "operator 2 (FULLY_CONNECTED): computes with the result of operator 1 (SOFTMAX), "
        "which can only end a classifier"
    )


@pytest.mark.parametrize("beta", [0.0, -1.0, float("nan"), float("inf")])
def test_a_softmax_that_does_not_keep_the_order_is_refused(beta):
    network = Network()
    network.int8_input()
    network.average_pool()
    network.softmax(beta)
    assert "operator 1 (SOFTMAX): beta is" in refused(network.finish())


def test_flattening_a_map_is_refused_with_what_to_do():
    network = Network()
    network.int8_input((1, 4, 4, 2))
    network.reshape((1, 32))
    network.fully_connected()
    assert refused(network.finish()) == (
        "operator 0 (RESHAPE): changes shape [1, 4, 4, 2] to [1, 32]; only 1x1 maps can be flattened: pool over the "
        "whole map before the classifier"
    )


def test_a_uint8_input_of_other_codes_is_refused():
    data = changed(uint8_ends().finish(), of_tensor("image", setting(quantization__zeroPoint=[7])))
    assert refused(data).startswith("operator 0 (QUANTIZE): the uint8 input must have the int8 tensor's scale")


def test_quantising_in_the_middle_is_refused():
    network = Network()
    network.int8_input()
    network.convolution("Conv", 4)
    source = network.last
    result = network.activation("again", network.shape, 0.5, 0)
    options = schema.QuantizeOptionsT()
    network.operator(CODES.QUANTIZE, [source], result, OPTIONS.QuantizeOptions, options)
    network.average_pool()
    network.fully_connected()
    assert refused(network.finish()).startswith("operator 1 (QUANTIZE): changes a scale")


def test_names_that_cannot_stand_in_other_files_are_replaced():
    data = changed(small().finish(), of_tensor("pool", setting(name="Conv/codes\n")))
    graph = imported(data).graph
    assert list(graph.tensors) == ["image", "Conv", "tensor_4", "logits"]


def test_weights_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        imported(small().finish()).graph.operators[0].weight[0] = 0


def test_too_large_a_file_is_refused(monkeypatch):
    monkeypatch.setattr("pipeline.importers.tflite_file.LARGEST_FILE", 1000)
    assert refused(small().finish()) == "1744 bytes; at most 1000 are read"

"""Convolutions and the classifier."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from pipeline.graph import limits
from pipeline.graph.ir import (
    NO_PADDING,
    Conv2D,
    DepthwiseConv2D,
    Float32Array,
    FullyConnected,
    Int8Array,
    Int32Array,
    Padding,
    Tensor,
)
from pipeline.importers.tflite_file import OperatorInfo
from pipeline.importers.tflite_reading import Activation, Reading

_OPTIONS = schema.BuiltinOptions
_NONE = schema.ActivationFunctionType.NONE


@dataclass(frozen=True)
class _Parameters:
    weight: Int8Array
    scale: Float32Array
    bias: Int32Array


@dataclass(frozen=True)
class _Window:
    """How a kernel moves over a map: `padding` is what the graph's operator pads."""

    stride: tuple[int, int]
    padding: Padding
    output: tuple[int, int]


def convolution(reading: Reading, operator: OperatorInfo) -> None:
    """CONV_2D. One over a 1x1 map that gives the logits is the graph's classifier, which is how Sixfold writes it."""
    source = reading.activation(0, padded=True)
    options = reading.options(operator, _OPTIONS.Conv2DOptions)
    parameters = _parameters(reading, channel_axis=0)
    kernel, depth = parameters.weight.shape[1:3], parameters.weight.shape[3]
    if depth != source.tensor.shape[2]:
        reading.refuse(f"its weights are for {depth} channels, its input has {source.tensor.shape[2]}")
    window = _window(
        reading,
        source,
        (kernel[0], kernel[1]),
        padding=options.int8(0),
        stride=(options.int32(2), options.int32(1)),
        dilation=(options.int32(5, 1), options.int32(4, 1)),
    )
    result = reading.result((*window.output, len(parameters.bias)), options.int8(3))
    _check(reading, parameters, source.tensor, result, channel_axis=0)
    name = _name(reading, result)
    arrays = (parameters.weight, parameters.scale, parameters.bias)
    last = operator.outputs == reading.file.outputs
    if last and source.tensor.shape[:2] == kernel == window.stride == (1, 1) and window.padding == NO_PADDING:
        matrix = parameters.weight.reshape(len(parameters.bias), depth)
        reading.append(FullyConnected(name, source.tensor.name, result.name, matrix, *arrays[1:]))
    else:
        reading.append(Conv2D(name, source.tensor.name, result.name, *arrays, window.stride, window.padding))


def depthwise(reading: Reading, operator: OperatorInfo) -> None:
    """DEPTHWISE_CONV_2D with one filter a channel, or any number of filters on one channel, which is a convolution."""
    source = reading.activation(0, padded=True)
    options = reading.options(operator, _OPTIONS.DepthwiseConv2DOptions)
    parameters = _parameters(reading, channel_axis=3)
    batch, rows, columns, channels = parameters.weight.shape
    depth = source.tensor.shape[2]
    multiplier = options.int32(3)
    if batch != 1 or channels != depth * multiplier:
        reading.refuse(f"its weights {list(parameters.weight.shape)} do not fit {depth} channels times {multiplier}")
    if multiplier != 1 and depth != 1:
        reading.refuse(f"has {multiplier} filters for each of {depth} channels; only one each is supported")
    window = _window(
        reading,
        source,
        (rows, columns),
        padding=options.int8(0),
        stride=(options.int32(2), options.int32(1)),
        dilation=(options.int32(6, 1), options.int32(5, 1)),
    )
    result = reading.result((*window.output, channels), options.int8(4))
    _check(reading, parameters, source.tensor, result, channel_axis=3)
    name, weight = _name(reading, result), parameters.weight
    ends = (parameters.scale, parameters.bias, window.stride, window.padding)
    if depth == 1:
        weight = _frozen(weight.transpose(3, 1, 2, 0), np.int8)
        reading.append(Conv2D(name, source.tensor.name, result.name, weight, *ends))
    else:
        reading.append(DepthwiseConv2D(name, source.tensor.name, result.name, weight[0], *ends))


def fully_connected(reading: Reading, operator: OperatorInfo) -> None:
    """FULLY_CONNECTED over a vector, with one scale or one per output."""
    source = reading.activation(0).tensor
    options = reading.options(operator, _OPTIONS.FullyConnectedOptions)
    if options.int8(1) != 0:
        reading.refuse("its weights are shuffled, which only some processors' kernels read")
    if source.shape[:2] != (1, 1):
        reading.refuse(
            f"its input has shape {[1, *source.shape]}; only a vector is supported: pool over the whole map before it"
        )
    parameters = _parameters(reading, channel_axis=0, axes=2)
    outputs, inputs = parameters.weight.shape
    if inputs != source.shape[2]:
        reading.refuse(f"its weights are for {inputs} inputs, there are {source.shape[2]}")
    result = reading.result((1, 1, outputs), options.int8(0))
    _check(reading, parameters, source, result, channel_axis=0)
    arrays = (parameters.weight, parameters.scale, parameters.bias)
    reading.append(FullyConnected(_name(reading, result), source.name, result.name, *arrays))


def _name(reading: Reading, result: Tensor) -> str:
    """Sixfold's writer names the weights after their operator; others' operators are called as their result."""
    name, weight, _ = reading.input_info(1).name.rpartition("/weight")
    return reading.operator_name(name if weight else result.name)


def _parameters(reading: Reading, channel_axis: int, axes: int = 4) -> _Parameters:
    """Weights, their scales and the bias, each in the form that the graph has."""
    inputs = reading.file.operators[reading.index].inputs
    if len(inputs) < 2 or inputs[1] < 0:
        reading.refuse("has no weights")
    info = reading.input_info(1)
    if info.type != schema.TensorType.INT8:
        hint = ""
        if info.type == schema.TensorType.UINT8:
            hint = " (asymmetric, the quantisation of TensorFlow 1): quantise the float network again, with int8"
        reading.refuse(f"its weights are {info.type_name}; only int8 weights can be imported{hint}")
    weight = reading.constant(1, np.int8)
    if weight is None or weight.ndim != axes:
        reading.refuse(f"its weights are no constant of {axes} axes")
    channels = weight.shape[channel_axis]
    if len(info.scale) not in (1, channels) or (len(info.scale) > 1 and info.axis != channel_axis):
        reading.refuse(
            f"its weights have {len(info.scale)} scales along axis {info.axis}; one, or one per output channel "
            f"({channels} along axis {channel_axis}), is supported"
        )
    if len(info.zero_point) not in (1, len(info.scale)) or info.zero_point.any():
        reading.refuse("its weights have a zero point other than 0; only symmetric weights can be imported")
    scale = _frozen(np.broadcast_to(info.scale, (channels,)), np.float32)
    return _Parameters(_frozen(weight, np.int8), scale, _bias(reading, channels))


def _bias(reading: Reading, channels: int) -> Int32Array:
    inputs = reading.file.operators[reading.index].inputs
    if len(inputs) < 3 or inputs[2] < 0:
        return _frozen(np.zeros(channels), np.int32)
    bias = reading.constant(2, np.int32)
    if bias is None or bias.shape != (channels,):
        reading.refuse(f"its bias is no constant of {channels} int32 values")
    return _frozen(bias, np.int32)


def _check(reading: Reading, parameters: _Parameters, source: Tensor, result: Tensor, channel_axis: int) -> None:
    """Refuse parameters for which the arithmetic is not defined on every input."""
    problem = limits.weights_objection(
        parameters.weight, parameters.scale, parameters.bias, source, result, channel_axis
    )
    if problem is not None:
        reading.refuse(problem)
    inputs = reading.file.operators[reading.index].inputs
    if len(inputs) > 2 and inputs[2] >= 0:
        info = reading.input_info(2)
        fits = len(info.scale) in (1, len(parameters.bias)) and not info.zero_point.any()
        if not fits or not limits.bias_scale_agrees(info.scale, source, parameters.scale):
            reading.refuse("its bias does not have the scale input scale x weight scale and zero point 0")


def _window(
    reading: Reading,
    source: Activation,
    kernel: tuple[int, int],
    padding: int,
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> _Window:
    """Explicit padding: SAME puts the odd row or column behind; what a PAD added before is added to it."""
    if dilation != (1, 1):
        reading.refuse(f"its dilation is {dilation[0]}x{dilation[1]}; only 1x1 is supported")
    if not all(1 <= side <= limits.LONGEST_WINDOW for side in stride):
        reading.refuse(f"its stride is {stride[0]}x{stride[1]}; 1 to {limits.LONGEST_WINDOW} are supported")
    if padding not in (schema.Padding.SAME, schema.Padding.VALID):
        reading.refuse(f"its padding {padding} is neither SAME nor VALID")
    before = source.padding
    height, width, _ = source.tensor.shape
    rows, columns = height + before.top + before.bottom, width + before.left + before.right
    top = bottom = left = right = 0
    if padding == schema.Padding.SAME:
        top, bottom = _same(rows, kernel[0], stride[0])
        left, right = _same(columns, kernel[1], stride[1])
    output = (
        (rows + top + bottom - kernel[0]) // stride[0] + 1,
        (columns + left + right - kernel[1]) // stride[1] + 1,
    )
    if min(output) < 1:
        reading.refuse(f"its kernel of {kernel[0]}x{kernel[1]} is larger than its input of {rows}x{columns}")
    together = Padding(before.top + top, before.left + left, before.bottom + bottom, before.right + right)
    return _Window(stride, together, output)


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _frozen(values: npt.NDArray[Any], dtype: type[Any]) -> npt.NDArray[Any]:
    """A contiguous, read-only copy in the machine's byte order."""
    copy = np.ascontiguousarray(values, dtype).copy()
    copy.setflags(write=False)
    return copy

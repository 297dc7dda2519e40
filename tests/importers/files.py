"""TensorFlow Lite files as its converter writes them, and variations of them: small enough to mutate and to read."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pipeline.backends.litert.flatbuffer import ModelBuilder, Quantization

CODES, OPTIONS, TYPES = schema.BuiltinOperator, schema.BuiltinOptions, schema.TensorType
ACTIVATIONS, PADDING = schema.ActivationFunctionType, schema.Padding
RELU6_SCALE = float(np.float32(6 / 255))


def quantization(scale: float, zero_point: int) -> Quantization:
    return Quantization(np.array([scale], np.float32), zero_point)


@dataclass
class Network:
    """Appends operators to a file; `last` is the tensor that the next one reads."""

    seed: int = 0
    model: ModelBuilder = field(default_factory=ModelBuilder)
    last: int = 0
    shape: tuple[int, ...] = ()
    last_scale: float = 1.0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.start = 0

    def activation(
        self, name: str, shape: tuple[int, ...], scale: float, zero_point: int, type_code: int = TYPES.INT8
    ) -> int:
        self.last = self.model.tensor(name, shape, type_code, quantization(scale, zero_point))
        self.shape, self.last_scale = shape, float(np.float32(scale))
        return self.last

    def operator(self, code: int, inputs: list[int], output: int, kind: int = 0, options: Any = None) -> None:
        self.model.operator(code, 1, inputs, output, None if options is None else (kind, options))

    def int8_input(self, shape: tuple[int, ...] = (1, 8, 8, 3), scale: float = 1 / 255, zero_point: int = -128) -> int:
        self.start = self.activation("image", shape, scale, zero_point)
        return self.start

    def float_input(self, shape: tuple[int, ...] = (1, 8, 8, 3), scale: float = 1 / 255, zero_point: int = -128) -> int:
        self.start = self.model.tensor("image", shape, TYPES.FLOAT32)
        result = self.activation("image/int8", shape, scale, zero_point)
        self.operator(CODES.QUANTIZE, [self.start], result, OPTIONS.QuantizeOptions, schema.QuantizeOptionsT())
        return self.start

    def uint8_input(self, shape: tuple[int, ...] = (1, 8, 8, 3), scale: float = 1 / 255, zero_point: int = -128) -> int:
        self.start = self.activation("image", shape, scale, zero_point + 128, TYPES.UINT8)
        result = self.activation("image/int8", shape, scale, zero_point)
        self.operator(CODES.QUANTIZE, [self.start], result, OPTIONS.QuantizeOptions, schema.QuantizeOptionsT())
        return self.start

    def weights(self, name: str, shape: tuple[int, ...], axis: int, per_channel: bool) -> list[int]:
        """Weights and bias; returns their indices."""
        channels = shape[axis]
        codes = self.rng.integers(-127, 128, shape).astype(np.int8)
        fan_in = codes.size / channels
        scale = self.rng.uniform(0.5, 1.5, channels if per_channel else 1) * 0.6 / (70 * 50 * np.sqrt(fan_in))
        scale = (scale * 6 / self.last_scale / 255 * 40).astype(np.float32)
        bias = self.rng.integers(-2000, 2000, channels).astype("<i4")
        steps = np.float32(self.last_scale) * scale
        return [
            self.model.tensor(f"{name}/weights", shape, TYPES.INT8, Quantization(scale, 0, axis), codes),
            self.model.tensor(f"{name}/biases", (channels,), TYPES.INT32, Quantization(steps, 0), bias),
        ]

    def convolution(
        self,
        name: str,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        padding: int = PADDING.SAME,
        activation: int = ACTIVATIONS.RELU6,
        scale: float = RELU6_SCALE,
        zero_point: int = -128,
        per_channel: bool = True,
        dilation: int = 1,
    ) -> int:
        source = self.last
        constants = self.weights(name, (channels, kernel, kernel, self.shape[3]), 0, per_channel)
        options = schema.Conv2DOptionsT()
        options.dilationHFactor = options.dilationWFactor = dilation
        result = self._window(options, name, channels, kernel, stride, padding, activation, scale, zero_point)
        self.operator(CODES.CONV_2D, [source, *constants], result, OPTIONS.Conv2DOptions, options)
        return result

    def depthwise(
        self, name: str, kernel: int = 3, stride: int = 1, padding: int = PADDING.SAME, multiplier: int = 1
    ) -> int:
        source = self.last
        channels = self.shape[3] * multiplier
        constants = self.weights(name, (1, kernel, kernel, channels), 3, per_channel=True)
        options = schema.DepthwiseConv2DOptionsT()
        options.depthMultiplier = multiplier
        options.dilationHFactor = options.dilationWFactor = 1
        result = self._window(options, name, channels, kernel, stride, padding, ACTIVATIONS.RELU6, RELU6_SCALE, -128)
        kind = OPTIONS.DepthwiseConv2DOptions
        self.operator(CODES.DEPTHWISE_CONV_2D, [source, *constants], result, kind, options)
        return result

    def _window(
        self,
        options: Any,
        name: str,
        channels: int,
        kernel: int,
        stride: int,
        padding: int,
        activation: int,
        scale: float,
        zero_point: int,
    ) -> int:
        options.padding, options.fusedActivationFunction = padding, activation
        options.strideH = options.strideW = stride
        _, height, width, _ = self.shape
        sides = [-(-n // stride) if padding == PADDING.SAME else (n - kernel) // stride + 1 for n in (height, width)]
        return self.activation(f"{name};{name}/BiasAdd", (1, *sides, channels), scale, zero_point)

    def pad(self, sides: list[list[int]], fill: int | None = None) -> int:
        """PAD by rows and columns, or PADV2 with a constant."""
        source, (_, height, width, channels) = self.last, self.shape
        amounts = np.array([[0, 0], *sides, [0, 0]], "<i4")
        inputs = [source, self.model.tensor("paddings", (4, 2), TYPES.INT32, None, amounts)]
        shape = (1, height + sum(sides[0]), width + sum(sides[1]), channels)
        zero_point = int(self.model.tensors[source].quantization.zeroPoint[0])
        if fill is not None:
            inputs.append(self.model.tensor("fill", (1,), TYPES.INT8, None, np.array([fill], np.int8)))
        result = self.activation("Pad", shape, self.last_scale, zero_point)
        self.operator(CODES.PAD if fill is None else CODES.PADV2, inputs, result)
        return result

    def add(self, other: int, scale: float = 0.05, zero_point: int = 3, activation: int = ACTIVATIONS.NONE) -> int:
        source = self.last
        options = schema.AddOptionsT()
        options.fusedActivationFunction = activation
        result = self.activation("add", self.shape, scale, zero_point)
        self.operator(CODES.ADD, [source, other], result, OPTIONS.AddOptions, options)
        return result

    def mean(self, scale: float, zero_point: int = -128, keep: bool = False, axes: tuple[int, ...] = (1, 2)) -> int:
        source, channels = self.last, self.shape[3]
        indices = self.model.tensor("axes", (len(axes),), TYPES.INT32, None, np.array(axes, "<i4"))
        options = schema.ReducerOptionsT()
        options.keepDims = keep
        result = self.activation("mean", (1, 1, 1, channels) if keep else (1, channels), scale, zero_point)
        self.operator(CODES.MEAN, [source, indices], result, OPTIONS.ReducerOptions, options)
        return result

    def average_pool(self, window: tuple[int, int] | None = None) -> int:
        source, (_, height, width, channels) = self.last, self.shape
        options = schema.Pool2DOptionsT()
        options.padding = PADDING.VALID
        options.filterHeight, options.filterWidth = window or (height, width)
        options.strideH, options.strideW = options.filterHeight, options.filterWidth
        shape = (1, height // options.filterHeight, width // options.filterWidth, channels)
        zero_point = int(self.model.tensors[source].quantization.zeroPoint[0])
        result = self.activation("pool", shape, self.last_scale, zero_point)
        self.operator(CODES.AVERAGE_POOL_2D, [source], result, OPTIONS.Pool2DOptions, options)
        return result

    def reshape(self, shape: tuple[int, ...]) -> int:
        source = self.last
        target = self.model.tensor("shape", (len(shape),), TYPES.INT32, None, np.array(shape, "<i4"))
        zero_point = int(self.model.tensors[source].quantization.zeroPoint[0])
        result = self.activation("flat", shape, self.last_scale, zero_point)
        self.operator(CODES.RESHAPE, [source, target], result, OPTIONS.ReshapeOptions, schema.ReshapeOptionsT())
        return result

    def fully_connected(self, classes: int = 5, per_channel: bool = False) -> int:
        source = self.last
        constants = self.weights("dense", (classes, self.shape[-1]), 0, per_channel)
        result = self.activation("dense/BiasAdd", (1, classes), 0.1, 11)
        options = schema.FullyConnectedOptionsT()
        kind = OPTIONS.FullyConnectedOptions
        self.operator(CODES.FULLY_CONNECTED, [source, *constants], result, kind, options)
        return result

    def softmax(self, beta: float = 1.0) -> int:
        source = self.last
        options = schema.SoftmaxOptionsT()
        options.beta = beta
        result = self.activation("Softmax", self.shape, 1 / 256, -128)
        self.operator(CODES.SOFTMAX, [source], result, OPTIONS.SoftmaxOptions, options)
        return result

    def dequantize(self) -> int:
        source = self.last
        self.last = self.model.tensor("Identity", self.shape, TYPES.FLOAT32)
        options = schema.DequantizeOptionsT()
        self.operator(CODES.DEQUANTIZE, [source], self.last, OPTIONS.DequantizeOptions, options)
        return self.last

    def to_uint8(self) -> int:
        source = self.last
        zero_point = int(self.model.tensors[source].quantization.zeroPoint[0])
        result = self.activation("Identity", self.shape, self.last_scale, zero_point + 128, TYPES.UINT8)
        self.operator(CODES.QUANTIZE, [source], result, OPTIONS.QuantizeOptions, schema.QuantizeOptionsT())
        return result

    def finish(self) -> bytes:
        return self.model.finish({"image": self.start}, {"scores": self.last}, "serving_default", "test")


def body(network: Network) -> Network:
    """A stem, an inverted residual with its addition and one of stride 2 whose padding is a PAD, as Keras has it."""
    network.convolution("Conv1", 8, 3, 2)
    first = network.convolution("project_0", 8, activation=ACTIVATIONS.NONE, scale=0.04, zero_point=-5)
    network.convolution("expand_1", 16)
    network.depthwise("depthwise_1")
    network.convolution("project_1", 8, activation=ACTIVATIONS.NONE, scale=0.05, zero_point=7)
    network.add(first)
    network.convolution("expand_2", 16)
    network.pad([[0, 1], [0, 1]])
    network.depthwise("depthwise_2", stride=2, padding=PADDING.VALID)
    network.convolution("Conv_1", 12)
    return network


def keras_like(seed: int = 0) -> Network:
    """What Keras' converter gives: float32 ends, MEAN to a scale of its own, FULLY_CONNECTED of one scale, SOFTMAX."""
    network = Network(seed)
    network.float_input()
    body(network)
    network.mean(0.0095)
    network.fully_connected()
    network.softmax()
    network.dequantize()
    return network


def uint8_ends(seed: int = 0) -> Network:
    """uint8 ends, AVERAGE_POOL_2D, RESHAPE and a scale per class."""
    network = Network(seed)
    network.uint8_input()
    body(network)
    network.average_pool()
    network.reshape((1, network.shape[3]))
    network.fully_connected(per_channel=True)
    network.softmax()
    network.to_uint8()
    return network


def small(seed: int = 0) -> Network:
    """A single convolution and a classifier."""
    network = Network(seed)
    network.int8_input((1, 4, 4, 1))
    network.convolution("Conv", 4, 3, 2)
    network.average_pool()
    network.convolution("logits", 3, activation=ACTIVATIONS.NONE, scale=0.1, zero_point=0)
    return network


def with_metadata(data: bytes, change: Callable[[Any], None] | None = None) -> bytes:
    """The file with TensorFlow Lite's metadata: normalisation of -1..1 and labels in an archive behind it."""
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    classes = int(np.prod(model.subgraphs[0].tensors[model.subgraphs[0].outputs[0]].shape))
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(standard_metadata(), np.uint8)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = "TFLITE_METADATA", len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    if change is not None:
        change(model)
    builder = flatbuffers.Builder(1 << 12)
    builder.Finish(model.Pack(builder), b"TFL3")
    archive = io.BytesIO(bytes(builder.Output()))
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as labels:
        text = "".join(f"class {index}\n" for index in range(classes))
        labels.writestr(zipfile.ZipInfo("labels.txt"), text)
    return archive.getvalue()


def changed(data: bytes, change: Callable[[Any], None]) -> bytes:
    """The file after `change` had its object form (``schema.ModelT``)."""
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    change(model)
    builder = flatbuffers.Builder(1 << 12)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def standard_metadata(mean: tuple[float, ...] = (127.5,), std: tuple[float, ...] = (127.5,)) -> bytes:
    """TensorFlow Lite's metadata (metadata_schema.fbs): ModelMetadata, one subgraph, an input and an output."""
    builder = flatbuffers.Builder(256)

    def table(fields: dict[int, tuple[str, int]], slots: int) -> int:
        builder.StartObject(slots)
        for slot, (kind, value) in fields.items():
            if kind == "offset":
                builder.PrependUOffsetTRelativeSlot(slot, value, 0)
            else:
                builder.PrependInt8Slot(slot, value, 0)
        return int(builder.EndObject())

    def vector(offsets: list[int]) -> int:
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return int(builder.EndVector())

    numbers = [builder.CreateNumpyVector(np.array(values, np.float32)) for values in (mean, std)]
    options = table({0: ("offset", numbers[0]), 1: ("offset", numbers[1])}, 2)
    unit = table({0: ("int8", 1), 1: ("offset", options)}, 2)
    units = vector([unit])
    source = table({4: ("offset", units)}, 7)
    name = builder.CreateString("labels.txt")
    file = table({0: ("offset", name), 2: ("int8", 2)}, 5)
    files = vector([file])
    result = table({6: ("offset", files)}, 7)
    inputs, outputs = vector([source]), vector([result])
    graph = table({2: ("offset", inputs), 3: ("offset", outputs)}, 10)
    graphs = vector([graph])
    builder.Finish(table({3: ("offset", graphs)}, 8), b"M001")
    return bytes(builder.Output())


def labels_of(metadata: dict[str, str]) -> list[str]:
    return json.loads(metadata["sixfold.labels"])

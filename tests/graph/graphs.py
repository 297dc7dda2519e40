"""Integer graphs made from a seed, for tests: weights random, scales such that codes spread over the int8 range."""

from dataclasses import dataclass, field

import numpy as np

from pipeline.graph.ir import (
    Add,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    GlobalAveragePool,
    Int8Array,
    IntegerGraph,
    Operator,
    Padding,
    Tensor,
)

RELU6_SCALE = float(np.float32(6 / 255))


@dataclass
class GraphBuilder:
    """Appends one operator a call; each call returns the name of the tensor that the operator writes."""

    rng: np.random.Generator
    tensors: dict[str, Tensor] = field(default_factory=dict)
    operators: list[Operator] = field(default_factory=list)
    input: str = ""

    def tensor(self, shape: tuple[int, int, int], relu6: bool) -> Tensor:
        name = f"t{len(self.tensors)}"
        if relu6:
            made = Tensor(name, shape, RELU6_SCALE, -128)
        else:
            made = Tensor(name, shape, float(np.float32(self.rng.uniform(0.01, 0.2))), int(self.rng.integers(-30, 30)))
        self.tensors[name] = made
        return made

    def add_input(self, shape: tuple[int, int, int]) -> str:
        self.tensors["input"] = Tensor("input", shape, float(np.float32(1 / 255)), -128)
        self.input = "input"
        return "input"

    def _weight_scale(self, source: Tensor, result: Tensor, fan_in: int, channels: int) -> np.ndarray:
        # About 40 codes of standard deviation at the output, varied between channels.
        factor = 40 / (70 * 50 * np.sqrt(fan_in)) * self.rng.uniform(0.5, 1.5, channels)
        return (factor * result.scale / source.scale).astype(np.float32)

    def _weights(self, shape: tuple[int, ...]) -> np.ndarray:
        return self.rng.integers(-127, 128, shape).astype(np.int8)

    def _bias(self, channels: int, fan_in: int) -> np.ndarray:
        bound = int(3000 * np.sqrt(fan_in))
        return self.rng.integers(-bound, bound + 1, channels).astype(np.int32)

    def conv(
        self,
        source: str,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        padding: Padding | None = None,
        relu6: bool = True,
    ) -> str:
        height, width, depth = self.tensors[source].shape
        pad = padding or Padding(*[kernel // 2] * 4)
        shape = (
            (height + pad.top + pad.bottom - kernel) // stride + 1,
            (width + pad.left + pad.right - kernel) // stride + 1,
            channels,
        )
        result = self.tensor(shape, relu6)
        fan_in = kernel * kernel * depth
        self.operators.append(
            Conv2D(
                f"conv{len(self.operators)}",
                source,
                result.name,
                self._weights((channels, kernel, kernel, depth)),
                self._weight_scale(self.tensors[source], result, fan_in, channels),
                self._bias(channels, fan_in),
                (stride, stride),
                pad,
            )
        )
        return result.name

    def depthwise(
        self, source: str, kernel: int = 3, stride: int = 1, padding: Padding | None = None, relu6: bool = True
    ) -> str:
        height, width, depth = self.tensors[source].shape
        pad = padding or Padding(*[kernel // 2] * 4)
        shape = (
            (height + pad.top + pad.bottom - kernel) // stride + 1,
            (width + pad.left + pad.right - kernel) // stride + 1,
            depth,
        )
        result = self.tensor(shape, relu6)
        self.operators.append(
            DepthwiseConv2D(
                f"depthwise{len(self.operators)}",
                source,
                result.name,
                self._weights((kernel, kernel, depth)),
                self._weight_scale(self.tensors[source], result, kernel * kernel, depth),
                self._bias(depth, kernel * kernel),
                (stride, stride),
                pad,
            )
        )
        return result.name

    def add(self, left: str, right: str) -> str:
        result = self.tensor(self.tensors[left].shape, relu6=False)
        self.operators.append(Add(f"add{len(self.operators)}", left, right, result.name))
        return result.name

    def pool(self, source: str) -> str:
        read = self.tensors[source]
        name = f"t{len(self.tensors)}"
        self.tensors[name] = Tensor(name, (1, 1, read.shape[2]), read.scale, read.zero_point)
        self.operators.append(GlobalAveragePool(f"pool{len(self.operators)}", source, name))
        return name

    def fully_connected(self, source: str, classes: int) -> str:
        features = self.tensors[source].size
        result = self.tensor((1, 1, classes), relu6=False)
        self.operators.append(
            FullyConnected(
                f"classifier{len(self.operators)}",
                source,
                result.name,
                self._weights((classes, features)),
                self._weight_scale(self.tensors[source], result, features, classes),
                self._bias(classes, features),
            )
        )
        return result.name

    def build(self, output: str) -> IntegerGraph:
        return IntegerGraph(dict(self.tensors), tuple(self.operators), self.input, output)


def small_mobilenet(seed: int, resolution: int = 16, channels: int = 1, classes: int = 5) -> IntegerGraph:
    """Stem, three inverted residuals (one with a residual, one with stride 2), last convolution, pool, classifier."""
    builder = GraphBuilder(np.random.default_rng(seed))
    stem = builder.conv(builder.add_input((resolution, resolution, channels)), 8, kernel=3, stride=2)
    first = builder.conv(builder.depthwise(stem), 8, relu6=False)
    residual = builder.conv(builder.depthwise(builder.conv(first, 48)), 8, relu6=False)
    joined = builder.add(first, residual)
    reduced = builder.conv(builder.depthwise(builder.conv(joined, 48), stride=2), 16, relu6=False)
    return builder.build(builder.fully_connected(builder.pool(builder.conv(reduced, 32)), classes))


def random_graph(seed: int) -> IntegerGraph:
    """A :func:`small_mobilenet` of random resolution, input channels and classes."""
    rng = np.random.default_rng(seed)
    return small_mobilenet(seed, int(rng.integers(5, 24)), int(rng.choice([1, 3])), int(rng.integers(2, 12)))


def random_inputs(graph: IntegerGraph, samples: int, seed: int) -> Int8Array:
    """int8 ``(samples, height, width, channels)`` over the whole range."""
    shape = graph.tensors[graph.input].shape
    return np.random.default_rng(seed).integers(-128, 128, (samples, *shape)).astype(np.int8)

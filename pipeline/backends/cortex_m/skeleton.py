"""MobileNetV2 as an integer graph without weights: what another width or resolution would take, before any training."""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.graph.ir import (
    Add,
    Conv2D,
    DepthwiseConv2D,
    Float32Array,
    FullyConnected,
    GlobalAveragePool,
    Int8Array,
    Int32Array,
    IntegerGraph,
    Operator,
    Padding,
    Tensor,
)

#: Width multipliers with published results (paper, section 6.1, and its code), the widest first.
WIDTHS = (1.4, 1.3, 1.0, 0.75, 0.5, 0.35)

#: From one code of a weight to the next, where all activations have steps of 1.
_STEP = np.float32(2.0**-8)


@dataclass(frozen=True)
class Variant:
    """What may be chosen about a MobileNetV2: width multiplier and image, and what the data decides.

    Attributes:
        image: height, width, channels.
    """

    width: float
    image: tuple[int, int, int]
    stem_stride: int
    classes: int


def skeleton(variant: Variant) -> IntegerGraph:
    """The network's operators with all shapes, and weights that are all zero and take no memory.

    Their steps are as small as a trained network's: kernels have slower and larger forms of what others need.
    """
    # torch takes seconds to import, and this is needed after an error only.
    from pipeline.models import mobilenet_v2 as paper  # noqa: PLC0415

    made = _Skeleton(variant.image)
    name = made.convolve("image", paper.scaled_channels(paper.STEM_CHANNELS, variant.width), 3, variant.stem_stride)
    for expansion, base, repeats, first_stride in paper.INVERTED_RESIDUALS:
        channels = paper.scaled_channels(base, variant.width)
        for index in range(repeats):
            stride = first_stride if index == 0 else 1
            name = made.inverted_residual(name, channels, stride, expansion)
    name = made.convolve(name, paper.scaled_channels(paper.LAST_CHANNELS, max(1.0, variant.width)), 1, 1)
    features = made.tensors[name].shape[2]
    pooled = made.append(GlobalAveragePool("pool", name, "pooled"), (1, 1, features))
    classifier = FullyConnected("classifier", pooled, "logits", *made.constants((variant.classes, features)))
    made.append(classifier, (1, 1, variant.classes))
    return IntegerGraph(made.tensors, tuple(made.operators), "image", "logits")


def recognise(graph: IntegerGraph) -> Variant | None:
    """The variant whose tensors have the shapes of `graph`; None if it is no MobileNetV2 of a width in steps of 5 %."""
    image, classes = graph.tensors[graph.input].shape, graph.tensors[graph.output].size
    shapes = [graph.tensors[operator.output].shape for operator in graph.operators]
    for width in dict.fromkeys([*WIDTHS, *(round(0.05 * step, 2) for step in range(1, 41))]):
        for stem_stride in (2, 1):
            variant = Variant(width, image, stem_stride, classes)
            made = skeleton(variant)
            if [made.tensors[operator.output].shape for operator in made.operators] == shapes:
                return variant
    return None


def smaller_variants(variant: Variant) -> list[Variant]:
    """Narrower networks and smaller square images, the least change first: one of the two, then both."""
    from pipeline.models.mobilenet_v2 import RESOLUTION_MULTIPLE  # noqa: PLC0415

    side = min(variant.image[:2])
    widths = [width for width in WIDTHS if width < variant.width]
    sides = range((side - 1) // RESOLUTION_MULTIPLE * RESOLUTION_MULTIPLE, 0, -RESOLUTION_MULTIPLE)
    images = [(size, size, variant.image[2]) for size in sides]
    return [
        *(replace(variant, width=width) for width in widths),
        *(replace(variant, image=image) for image in images),
        *(replace(variant, width=width, image=image) for image in images for width in widths),
    ]


class _Skeleton:
    """A graph in the making; names follow the order of the operators."""

    def __init__(self, image: tuple[int, int, int]) -> None:
        self.tensors = {"image": Tensor("image", image, 1.0, -1)}
        self.operators: list[Operator] = []

    def append(self, operator: Operator, shape: tuple[int, int, int]) -> str:
        self.operators.append(operator)
        self.tensors[operator.output] = Tensor(operator.output, shape, 1.0, -128)
        return operator.output

    def constants(
        self, shape: tuple[int, ...], channels: int | None = None
    ) -> tuple[Int8Array, Float32Array, Int32Array]:
        channels = shape[0] if channels is None else channels
        return (
            np.broadcast_to(np.int8(0), shape),
            np.broadcast_to(_STEP, channels),
            np.broadcast_to(np.int32(0), channels),
        )

    def convolve(self, source: str, channels: int, kernel: int, stride: int) -> str:
        height, width, depth = self.tensors[source].shape
        index = len(self.operators)
        constants = self.constants((channels, kernel, kernel, depth))
        padding = Padding(*[kernel // 2] * 4)
        operator = Conv2D(f"convolution{index}", source, f"t{index}", *constants, (stride, stride), padding)
        return self.append(operator, (-(-height // stride), -(-width // stride), channels))

    def inverted_residual(self, source: str, channels: int, stride: int, expansion: int) -> str:
        depth = self.tensors[source].shape[2]
        wide = source if expansion == 1 else self.convolve(source, depth * expansion, 1, 1)
        height, width, hidden = self.tensors[wide].shape
        index = len(self.operators)
        constants = self.constants((3, 3, hidden), hidden)
        operator = DepthwiseConv2D(
            f"depthwise{index}", wide, f"t{index}", *constants, (stride, stride), Padding(1, 1, 1, 1)
        )
        filtered = self.append(operator, (-(-height // stride), -(-width // stride), hidden))
        projected = self.convolve(filtered, channels, 1, 1)
        if stride != 1 or depth != channels:
            return projected
        index = len(self.operators)
        return self.append(Add(f"addition{index}", source, projected, f"t{index}"), self.tensors[projected].shape)

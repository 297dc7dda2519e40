"""The MobileNetV2 in an integer graph: a chain of units that take rows, and an ending that takes the whole image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from pipeline.errors import SixfoldError
from pipeline.graph.ir import (
    Add,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    GlobalAveragePool,
    IntegerGraph,
    Operator,
    Padding,
)

_AROUND = Padding(1, 1, 1, 1)


@dataclass(frozen=True)
class Unit:
    """An inverted residual (paper, section 3.4), or the network's first convolution with the first block.

    Attributes:
        expand: 1x1; 3x3 in the first unit, whose block does not expand.
        addition: of the unit's input to the projection, if there is one.
    """

    expand: Conv2D
    depthwise: DepthwiseConv2D
    project: Conv2D
    addition: Add | None

    @property
    def operators(self) -> tuple[Operator, ...]:
        """In execution order."""
        convolutions = (self.expand, self.depthwise, self.project)
        return convolutions if self.addition is None else (*convolutions, self.addition)

    @property
    def input(self) -> str:
        """Name of the tensor that it reads."""
        return self.expand.input

    @property
    def output(self) -> str:
        """Name of the tensor that it makes."""
        return self.operators[-1].output

    @property
    def is_stem(self) -> bool:
        """Whether it begins with the network's first convolution, 3x3."""
        return self.expand.weight.shape[1:3] == (3, 3)


@dataclass(frozen=True)
class Ending:
    """The last 1x1 convolution, the mean over the image, the classifier."""

    expand: Conv2D
    pool: GlobalAveragePool
    classifier: FullyConnected

    @property
    def operators(self) -> tuple[Operator, ...]:
        """In execution order."""
        return (self.expand, self.pool, self.classifier)


@dataclass(frozen=True)
class Network:
    """The graph's operators, all of them, in order."""

    units: tuple[Unit, ...]
    ending: Ending


def recognise(graph: IntegerGraph) -> Network:
    """Find the units of a graph.

    Raises:
        SixfoldError: it is no such network; names the first operator that does not belong.
    """
    reader = _Reader(graph)
    units: list[Unit] = []
    while not reader.at_ending():
        units.append(reader.unit(first=not units))
    return Network(tuple(units), reader.ending())


class _Reader:
    """Goes through the operators; each must read what the one before it wrote."""

    def __init__(self, graph: IntegerGraph) -> None:
        self._graph = graph
        self._left: Sequence[Operator] = graph.operators
        self._tensor = graph.input

    def at_ending(self) -> bool:
        """Whether three operators are left, or none of a unit."""
        return len(self._left) <= len(Ending.__dataclass_fields__)

    def unit(self, first: bool) -> Unit:
        """The next inverted residual; the first begins with a 3x3 convolution."""
        source = self._tensor
        kernel = (3, 3) if first else (1, 1)
        expand = self._convolution("the first convolution" if first else "an expanding convolution", kernel)
        depthwise = self._next("a depthwise convolution")
        if (
            not isinstance(depthwise, DepthwiseConv2D)
            or depthwise.weight.shape[:2] != (3, 3)
            or depthwise.stride not in ((1, 1), (2, 2))
            or depthwise.padding != _AROUND
        ):
            self._refuse(depthwise, "a depthwise 3x3 convolution of stride 1 or 2 with one pixel of padding")
        project = self._convolution("a projecting convolution", (1, 1))
        return Unit(expand, depthwise, project, self._addition(source))

    def ending(self) -> Ending:
        """The last three operators."""
        expand = self._convolution("the last convolution", (1, 1))
        pool, classifier = self._next("global average pooling"), self._next("the classifier")
        if not isinstance(pool, GlobalAveragePool):
            self._refuse(pool, "global average pooling")
        if not isinstance(classifier, FullyConnected):
            self._refuse(classifier, "the classifier")
        return Ending(expand, pool, classifier)

    def _convolution(self, role: str, kernel: tuple[int, int]) -> Conv2D:
        operator = self._next(role)
        strides, padding = (((1, 1), (2, 2)), _AROUND) if kernel == (3, 3) else (((1, 1),), Padding())
        size = f"{role}, {kernel[0]}x{kernel[1]} with stride {' or '.join(str(stride) for stride, _ in strides)}"
        if not isinstance(operator, Conv2D) or operator.weight.shape[1:3] != kernel:
            self._refuse(operator, size)
        if operator.stride not in strides or operator.padding != padding:
            self._refuse(operator, size)
        return operator

    def _addition(self, source: str) -> Add | None:
        """The residual connection from `source`, if one comes next."""
        operator = self._left[0] if self._left else None
        if not isinstance(operator, Add):
            return None
        if sorted(operator.inputs) != sorted((source, self._tensor)):
            self._refuse(operator, "the addition of a block's own input")
        self._advance(operator)
        return operator

    def _next(self, role: str) -> Operator:
        if not self._left:
            raise SixfoldError(f"kernels: streaming: the network ends where {role} is expected; {_OTHERS}")
        operator = self._left[0]
        if operator.inputs != (self._tensor,):
            self._refuse(operator, role)
        self._advance(operator)
        return operator

    def _advance(self, operator: Operator) -> None:
        self._left = self._left[1:]
        self._tensor = operator.output

    def _refuse(self, operator: Operator, role: str) -> NoReturn:
        raise SixfoldError(
            f"layer {operator.name}: kernels: streaming takes a MobileNetV2, and this is not {role}; {_OTHERS}"
        )


_OTHERS = "take kernels: cmsis-nn or portable"

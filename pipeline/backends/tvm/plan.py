"""Which kernel computes each operator, with which constants, and what may vary in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from pipeline.backends.tvm import kernels, packing
from pipeline.backends.tvm.fusion import Step, fuse, other_operand
from pipeline.backends.tvm.isa import InstructionSet
from pipeline.backends.tvm.kernels import Addition, Window
from pipeline.backends.tvm.schedule import Schedule, candidates, default
from pipeline.backends.tvm.storage import Storage, plan_storage
from pipeline.graph import float_requantization
from pipeline.graph.ir import (
    NO_PADDING,
    Add,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    GlobalAveragePool,
    IntegerGraph,
    Weighted,
)


@dataclass(frozen=True)
class Tunable:
    """What may vary in a kernel.

    Attributes:
        key: equal for kernels of one shape: they share a measurement.
        default: unmeasured.
        candidates: worth measuring.
    """

    key: str
    default: Schedule
    candidates: Sequence[Schedule]


@dataclass(frozen=True)
class Kernel:
    """One call of the compiled network.

    Attributes:
        name: of the operator.
        inputs: tensors that it reads, in the order of the function's parameters.
        constants: what follows them.
        output: the tensor that it writes.
        build: the TIR function for a schedule; a kernel without `tunable` takes None.
    """

    name: str
    inputs: Sequence[str]
    constants: Sequence[npt.NDArray[Any]]
    output: str
    build: Callable[[Schedule | None], Any]
    tunable: Tunable | None = None


class Plan:
    """All kernels of a graph for one instruction set.

    Attributes:
        storage: how each tensor lies in memory.
    """

    def __init__(self, graph: IntegerGraph, isa: InstructionSet) -> None:
        self._graph, self._isa = graph, isa
        self.storage = plan_storage(graph, isa.lanes)

    def kernels(self) -> Iterator[Kernel]:
        """In execution order.

        Raises:
            SixfoldError: an operator's numbers do not suit the instructions.
        """
        for step in fuse(self._graph):
            match step.operator:
                case Conv2D() | FullyConnected():
                    yield self._convolution(step, step.operator)
                case DepthwiseConv2D():
                    yield self._depthwise(step.operator)
                case GlobalAveragePool():
                    yield self._pool(step.operator)
                case Add():
                    yield self._addition(step.operator)

    def _convolution(self, step: Step, operator: Conv2D | FullyConnected) -> Kernel:
        isa, window = self._isa, _window(operator)
        source, result = self.storage[operator.input], self.storage[step.output]
        inputs, fused = [operator.input], None
        if step.addition is not None:
            inputs.append(other_operand(step.addition, operator.output))
            fused = self._fused(step.addition, operator.output)

        def build(schedule: Schedule | None) -> Any:
            return kernels.convolution(isa, window, source, result, schedule or tunable.default, fused)

        width = result.width * (result.height if kernels.is_flat(window, source, result, fused) else 1)
        blocks, depth = result.pixel // isa.lanes, window.rows * window.columns * source.pixel
        tunable = Tunable(
            f"convolution {_describe(window, source, result)}{' add' if fused else ''}",
            default(isa.registers, width, blocks, depth),
            candidates(isa.registers, width, blocks),
        )
        return Kernel(operator.name, inputs, self._constants(operator), step.output, build, tunable)

    def _depthwise(self, operator: DepthwiseConv2D) -> Kernel:
        isa, window = self._isa, _window(operator)
        source, result = self.storage[operator.input], self.storage[operator.output]

        def build(schedule: Schedule | None) -> Any:
            return kernels.depthwise_convolution(isa, window, source, result, schedule or tunable.default)

        choices = [each for each in candidates(isa.registers // 2, result.width, 1) if each.order == "pixels"]
        tunable = Tunable(f"depthwise {_describe(window, source, result)}", choices[-1], choices)
        constants = self._constants(operator)
        return Kernel(operator.name, [operator.input], constants, operator.output, build, tunable)

    def _pool(self, operator: GlobalAveragePool) -> Kernel:
        source, result = self.storage[operator.input], self.storage[operator.output]
        factor = float(float_requantization.pool_factor(source.height * source.width))

        def build(_: Schedule | None) -> Any:
            return kernels.global_average_pool(self._isa, source, result, factor)

        return Kernel(operator.name, [operator.input], [], operator.output, build)

    def _addition(self, operator: Add) -> Kernel:
        left, result = self.storage[operator.left], self.storage[operator.output]

        def build(_: Schedule | None) -> Any:
            return kernels.addition(self._isa, left, result, self._fused(operator, operator.left))

        return Kernel(operator.name, operator.inputs, [], operator.output, build)

    def _fused(self, operator: Add, own: str) -> Addition:
        """The addition as seen from the tensor `own`, one of its operands."""
        tensors = self._graph.tensors
        terms = float_requantization.add_terms(*(tensors[n] for n in (operator.left, operator.right, operator.output)))
        ratios = {operator.right: terms.right_ratio, operator.left: terms.left_ratio}
        other = other_operand(operator, own)
        return Addition(
            self.storage[other],
            float(ratios[own]),
            float(ratios[other]),
            float(terms.constant),
            own == operator.left,
            tensors[own].zero_point,
        )

    def _constants(self, operator: Weighted) -> Sequence[npt.NDArray[Any]]:
        source, result = self.storage[operator.input], self.storage[operator.output]
        return packing.pack(self._graph, operator, self._isa, source, result)


def _window(operator: Weighted) -> Window:
    match operator:
        case Conv2D():
            _, rows, columns, _ = operator.weight.shape
            return Window(rows, columns, operator.stride, operator.padding)
        case DepthwiseConv2D():
            rows, columns, _ = operator.weight.shape
            return Window(rows, columns, operator.stride, operator.padding)
        case FullyConnected():
            return Window(1, 1, (1, 1), NO_PADDING)


def _describe(window: Window, source: Storage, result: Storage) -> str:
    """Everything of a kernel's shape that decides its speed."""
    return (
        f"{window.rows}x{window.columns}/{window.stride[0]}x{window.stride[1]} "
        f"{source.pixel}->{result.pixel} {result.height}x{result.width}"
    )

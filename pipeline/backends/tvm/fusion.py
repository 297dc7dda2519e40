"""Which operators run as one kernel: a residual addition right behind the projection that feeds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.graph.ir import Add, Conv2D, IntegerGraph, Operator


@dataclass(frozen=True)
class Step:
    """One kernel: an operator and, if fused behind it, an addition."""

    operator: Operator
    addition: Add | None = None

    @property
    def output(self) -> str:
        """The tensor that the kernel writes."""
        return self.operator.output if self.addition is None else self.addition.output


def fuse(graph: IntegerGraph) -> Iterator[Step]:
    """The graph's kernels in execution order."""
    readers: dict[str, int] = {graph.output: 1}
    for operator in graph.operators:
        for name in operator.inputs:
            readers[name] = readers.get(name, 0) + 1
    ready = {graph.input}
    waiting = list(graph.operators)
    while waiting:
        operator = waiting.pop(0)
        following = waiting[0] if waiting else None
        if (
            isinstance(operator, Conv2D)
            and isinstance(following, Add)
            and following.inputs.count(operator.output) == 1
            and readers[operator.output] == 1
            and other_operand(following, operator.output) in ready
        ):
            waiting.pop(0)
            step = Step(operator, following)
        else:
            step = Step(operator)
        ready.add(step.output)
        yield step


def other_operand(addition: Add, own: str) -> str:
    """The operand that is not `own`."""
    return addition.right if addition.left == own else addition.left

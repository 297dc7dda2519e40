"""Which units to cascade, how long the strips are, and where every buffer lies.

Between two groups there is one whole tensor, so what a group needs depends on its first and last unit only: dynamic
programming over the boundaries finds the least peak of all cascades. Every strip then becomes as long as that peak
permits; with `optimize: speed` strips are whole rows from the start.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.backends.cortex_m.memory_plan import Buffer, MemoryPlan, place_buffers
from pipeline.backends.cortex_m.streaming.buffers import (
    EndingBuffers,
    GroupBuffers,
    ending_buffers,
    group_buffers,
    whole_rows,
)
from pipeline.backends.cortex_m.streaming.layout import STRIP, Layout
from pipeline.backends.cortex_m.streaming.structure import Ending, Network, Unit
from pipeline.graph.ir import IntegerGraph, Operator
from pipeline.targets import Optimize

#: Output channels of the last convolution that every build computes together.
_PART = 16


@dataclass(frozen=True)
class Group:
    """Cascaded units and what they take."""

    units: tuple[Unit, ...]
    buffers: GroupBuffers

    @property
    def operators(self) -> tuple[Operator, ...]:
        """In execution order."""
        return tuple(operator for unit in self.units for operator in unit.operators)


@dataclass(frozen=True)
class StreamingPlan:
    """A schedule of the whole network.

    Attributes:
        groups: in execution order.
        ending: what comes after them.
        pushed: whether the image's rows are pushed, so that it is never whole in memory.
        memory: where the buffers lie; its layers are the groups and the ending.
    """

    groups: tuple[Group, ...]
    ending: Ending
    ending_buffers: EndingBuffers
    pushed: bool
    memory: MemoryPlan

    @property
    def most_units(self) -> int:
        """Of a group: so many units run at the same time."""
        return max(len(group.units) for group in self.groups)


def plan_streaming(
    graph: IntegerGraph, network: Network, layout: Layout, pushed: bool, optimize: Optimize, guard: int = 0
) -> StreamingPlan:
    """Choose the schedule; the same arguments give the same plan.

    Args:
        graph: the integer graph.
        network: its units.
        layout: of the kernels' build.
        pushed: whether the image comes row by row.
        optimize: the least memory, or long strips.
        guard: bytes to keep free on either side of every buffer.
    """

    def buffers(first: int, end: int, longest: int) -> GroupBuffers:
        units = network.units[first:end]
        strips = [min(longest, _longest_strip(graph, unit)) for unit in units]
        return group_buffers(graph, layout, units, strips, pushed and first == 0)

    longest = STRIP if optimize == "memory" else max(_longest_strip(graph, unit) for unit in network.units)
    peak, bounds = _least_peak(len(network.units), lambda first, end: buffers(first, end, longest).total)
    pixels = graph.tensors[network.ending.expand.input].size // network.ending.expand.weight.shape[3]
    ending = _largest_ending(graph, layout, network.ending, peak, whole_rows(pixels))
    peak = max(peak, ending.total)
    groups = tuple(
        Group(network.units[first:end], _longest_strips(partial(buffers, first, end), peak)) for first, end in bounds
    )
    runs = [*(group.operators for group in groups), network.ending.operators]
    layers = [group_name(operators) for operators in runs]
    placed = _lifetimes(graph, groups, network.ending, ending, pushed)
    return StreamingPlan(groups, network.ending, ending, pushed, place_buffers(placed, layers, guard))


def group_name(operators: Sequence[Operator]) -> str:
    """A name for what runs as one layer."""
    return f"{operators[0].name} to {operators[-1].name}"


def _least_peak(count: int, cost: Callable[[int, int], int]) -> tuple[int, list[tuple[int, int]]]:
    """Split units 0..count - 1 into groups so that the costliest costs least; of equals, the most groups."""
    best: list[tuple[int, int, list[tuple[int, int]]]] = [(0, 0, [])]
    for end in range(1, count + 1):
        options = [
            (max(best[first][0], cost(first, end)), best[first][1] - 1, [*best[first][2], (first, end)])
            for first in range(end)
        ]
        best.append(min(options, key=lambda option: option[:2]))
    return best[count][0], best[count][2]


def _longest_strip(graph: IntegerGraph, unit: Unit) -> int:
    return whole_rows(graph.tensors[unit.expand.output].shape[1])


def _longest_strips(buffers: Callable[[int], GroupBuffers], peak: int) -> GroupBuffers:
    """The group with the longest strips that stay within the peak; the shortest ones do."""
    found = buffers(STRIP)
    longest = STRIP
    while True:
        longest += STRIP
        longer = buffers(longest)
        if longer == found:
            return found
        if longer.total <= peak:
            found = longer
        elif longer.work > found.work:
            return found


def _largest_ending(graph: IntegerGraph, layout: Layout, ending: Ending, peak: int, longest: int) -> EndingBuffers:
    """In as few parts as the peak of the rest permits, then with the longest strips; else the smallest there is."""
    features = len(ending.expand.bias)
    for part in [-(-features // count // _PART) * _PART for count in range(1, -(-features // _PART) + 1)]:
        for strip in range(longest, 0, -STRIP):
            found = ending_buffers(graph, layout, ending, strip, max(part, _PART))
            if found.total <= peak:
                return found
    return ending_buffers(graph, layout, ending, STRIP, _PART)


def buffer_name(kind: str, owner: str) -> str:
    """Of a buffer that is no tensor; no tensor has it, since a line break is in no tensor's name."""
    return f"{kind}\n{owner}"


def row_name(layer: str, index: int) -> str:
    """Of the buffer for the output rows of the unit with this index in its group."""
    return buffer_name(f"rows {index % 2}", layer)


def _lifetimes(
    graph: IntegerGraph, groups: Sequence[Group], ending: Ending, end: EndingBuffers, pushed: bool
) -> tuple[Buffer, ...]:
    """Every buffer, live from one layer to another."""
    made: list[Buffer] = []
    if not pushed:
        made.append(Buffer(graph.input, graph.tensors[graph.input].size, 0, 0))
    for index, group in enumerate(groups):
        layer = group_name(group.operators)
        own = list(zip(group.units, group.buffers.units, strict=True))
        sizes = {
            **{buffer_name("ring", unit.expand.name): buffers.ring for unit, buffers in own},
            **{buffer_name("kept", unit.expand.name): buffers.kept for unit, buffers in own},
            **{row_name(layer, parity): size for parity, size in enumerate(group.buffers.rows)},
            buffer_name("work", layer): group.buffers.work,
        }
        made += [Buffer(name, size, index, index) for name, size in sizes.items() if size]
        source, result = group.units[0].input, group.units[-1].output
        leads = {} if pushed and index == 0 else {source: group.buffers.lead}
        made.append(Buffer(result, graph.tensors[result].size, index, index + 1, leads))
    last = len(groups)
    needed = {"ring": end.ring, "panel": end.panel, "sums": end.sums, "features": end.features}
    made += [Buffer(buffer_name(kind, ending.expand.name), size, last, last) for kind, size in needed.items()]
    made.append(Buffer(graph.output, graph.tensors[graph.output].size, last, last + 1))
    return tuple(made)

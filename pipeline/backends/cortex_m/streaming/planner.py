"""Which units to cascade, which to tile, how long the strips are, and where every buffer lies.

Between two groups there is one whole tensor, so what a group needs depends on its first and last unit only, and on
which of its units are tiled: dynamic programming over the boundaries finds the least peak of all cascades. Tiles cost
time, so a group then gets as few of them, and every strip becomes as long, as that peak permits. With
`optimize: speed` there are no tiles and strips are whole rows from the start.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from pipeline.backends.cortex_m.memory_plan import Buffer, MemoryPlan, place_buffers
from pipeline.backends.cortex_m.streaming.buffers import (
    Cut,
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
        optimize: the least memory, or whole rows.
        guard: bytes to keep free on either side of every buffer.
    """

    def options(first: int, end: int) -> list[GroupBuffers]:
        units = network.units[first:end]
        return [
            group_buffers(graph, layout, units, cuts, pushed and first == 0)
            for cuts in possible_cuts(graph, units, optimize)
        ]

    def widest(first: int, end: int, peak: int) -> GroupBuffers:
        units = network.units[first:end]
        within = [buffers for buffers in options(first, end) if buffers.total <= peak]
        chosen = min(within, key=lambda buffers: (sum(unit.cut.tiled for unit in buffers.units), buffers.total))
        longest = [_longest_strip(graph, unit) for unit in units]
        return _with_longest_strips(
            chosen, longest, peak, lambda cuts: group_buffers(graph, layout, units, cuts, pushed and first == 0)
        )

    peak, bounds = _least_peak(
        len(network.units), lambda first, end: min(buffers.total for buffers in options(first, end))
    )
    pixels = graph.tensors[network.ending.expand.input].size // network.ending.expand.weight.shape[3]
    ending = _largest_ending(graph, layout, network.ending, peak, whole_rows(pixels))
    peak = max(peak, ending.total)
    groups = tuple(Group(network.units[first:end], widest(first, end, peak)) for first, end in bounds)
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


def possible_cuts(graph: IntegerGraph, units: Sequence[Unit], optimize: Optimize) -> Iterator[tuple[Cut, ...]]:
    """Ways to cut the rows of units that differ in what they need besides the panels."""
    if optimize == "speed":
        yield tuple(Cut(_longest_strip(graph, unit)) for unit in units)
        return
    yield from product(
        *((Cut(STRIP), Cut(STRIP, tiled=True)) if _can_be_tiled(graph, unit) else (Cut(STRIP),) for unit in units)
    )


def _can_be_tiled(graph: IntegerGraph, unit: Unit) -> bool:
    """Whether that can gain: a window of stride 2 reaches one column beyond its strip, of stride 1 it would be two."""
    return unit.depthwise.stride[0] == 2 and not unit.is_stem and graph.tensors[unit.expand.output].shape[1] > STRIP


def _with_longest_strips(
    group: GroupBuffers, longest: Sequence[int], peak: int, measure: Callable[[Sequence[Cut]], GroupBuffers]
) -> GroupBuffers:
    """The group with every unit's strips as long as stays within the peak: they add to its work only."""
    most = peak - group.fixed
    cuts = [unit.cut for unit in group.units]
    for strip in range(STRIP, max(longest) + 1, STRIP):
        tried = [replace(cut, strip=min(strip, limit)) for cut, limit in zip(cuts, longest, strict=True)]
        measured = measure(tried).units
        cuts = [unit.cut if unit.work <= most else cut for unit, cut in zip(measured, cuts, strict=True)]
    return measure(cuts)


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
            **{
                buffer_name(kind, unit.expand.name): size
                for unit, buffers in own
                for kind, size in (("ring", buffers.ring), ("saved", buffers.saved))
            },
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

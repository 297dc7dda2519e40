"""Where every activation and scratch buffer lies in one static arena.

Buffers whose lifetimes do not overlap share bytes, and an output may lie over the input that its operator reads for
the last time, as far as the kernel's order of reads and writes allows (:mod:`pipeline.backends.cortex_m.overlap`).
The placement is first fit (Pisarchyk & Lee, "Efficient memory management for deep neural net inference", 2020) in
several orders, of which the best counts (:mod:`pipeline.backends.cortex_m.placement`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.backends.cortex_m.kernel import Kernel
from pipeline.backends.cortex_m.placement import ALIGNMENT, Block, align, place
from pipeline.graph.ir import IntegerGraph

__all__ = [
    "ALIGNMENT",
    "Buffer",
    "MemoryPlan",
    "check_placement",
    "check_plan",
    "lifetimes",
    "place_buffers",
    "plan_memory",
    "scratch_name",
]


@dataclass(frozen=True)
class Buffer:
    """What one tensor or one scratch area needs.

    Attributes:
        name: the tensor's name, or that of :func:`scratch_name`.
        size: bytes, at least 1.
        first: index of the operator that first writes it; the graph's input has 0, being written before it.
        last: index of the operator that last reads it; the graph's output is kept until after the last operator.
        leads: input that dies when this output is written, to the bytes by which this must start before it so that
            the two may share bytes.
    """

    name: str
    size: int
    first: int
    last: int
    leads: Mapping[str, int] = field(default_factory=dict)

    def overlaps(self, other: "Buffer") -> bool:
        """Whether both are live during one operator."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class MemoryPlan:
    """A placement of every buffer.

    Attributes:
        arena_bytes: size of the arena.
        offsets: byte offset per buffer name.
        buffers: what was placed, in the order in which the graph makes them.
        live_bytes: by operator, the least that any plan needs while it runs.
    """

    arena_bytes: int
    offsets: Mapping[str, int]
    buffers: tuple[Buffer, ...]
    live_bytes: Mapping[str, int]

    @property
    def peak_operator(self) -> str:
        """The operator during which most bytes are live."""
        return max(self.live_bytes, key=lambda name: self.live_bytes[name])

    @property
    def lower_bound(self) -> int:
        """Those bytes: no plan can be smaller."""
        return self.live_bytes[self.peak_operator]

    def end(self, buffer: Buffer) -> int:
        """Offset of the first byte after a buffer."""
        return self.offsets[buffer.name] + buffer.size


def scratch_name(operator: str) -> str:
    """Buffer name of an operator's scratch; no tensor has it, since a line break is in no tensor's name."""
    return f"scratch\n{operator}"


def lifetimes(graph: IntegerGraph, kernels: Mapping[str, Kernel]) -> tuple[Buffer, ...]:
    """Every buffer of the graph with its lifetime.

    Args:
        graph: the integer graph.
        kernels: by operator name.
    """
    last_read = {graph.input: 0}
    for index, operator in enumerate(graph.operators):
        for name in operator.inputs:
            last_read[name] = index
    last_read[graph.output] = len(graph.operators)
    buffers = [Buffer(graph.input, graph.tensors[graph.input].size, 0, last_read[graph.input])]
    for index, operator in enumerate(graph.operators):
        kernel = kernels[operator.name]
        if kernel.scratch_bytes:
            buffers.append(Buffer(scratch_name(operator.name), kernel.scratch_bytes, index, index))
        leads = {
            name: lead
            for name, lead in zip(operator.inputs, kernel.leads, strict=False)
            if lead is not None and last_read[name] == index
        }
        # An output that nothing reads is still written.
        last = last_read.get(operator.output, index)
        buffers.append(Buffer(operator.output, graph.tensors[operator.output].size, index, last, leads))
    return tuple(buffers)


def plan_memory(graph: IntegerGraph, kernels: Mapping[str, Kernel], guard: int = 0) -> MemoryPlan:
    """Place every buffer; the same arguments give the same plan.

    Args:
        graph: the integer graph.
        kernels: by operator name.
        guard: bytes to keep free on either side of every buffer, a multiple of :data:`ALIGNMENT`.
    """
    return place_buffers(lifetimes(graph, kernels), [operator.name for operator in graph.operators], guard)


def place_buffers(buffers: tuple[Buffer, ...], layers: Sequence[str], guard: int = 0) -> MemoryPlan:
    """Place buffers whose lifetimes are known; the same arguments give the same plan.

    Args:
        buffers: what to place, with names of their own.
        layers: names of what runs one after the other; lifetimes are indices of these.
        guard: bytes to keep free on either side of every buffer, a multiple of :data:`ALIGNMENT`.
    """
    padded = tuple(replace(buffer, size=buffer.size + 2 * guard) for buffer in buffers)
    live = {name: _live_bytes(buffers, index) for index, name in enumerate(layers)}
    blocks = [Block(buffer.size, *_forbidden(padded, buffer)) for buffer in padded]
    offsets = place(blocks, [(buffer.first, buffer.last) for buffer in padded], max(live.values()))
    ends = (offset + buffer.size for offset, buffer in zip(offsets, padded, strict=True))
    by_name = {buffer.name: offset + guard for buffer, offset in zip(buffers, offsets, strict=True)}
    plan = MemoryPlan(align(max(ends)), by_name, buffers, live)
    check_placement(buffers, plan)
    return plan


def _forbidden(buffers: tuple[Buffer, ...], buffer: Buffer) -> tuple[dict[int, int], dict[int, int]]:
    """For every other buffer live at the same time: how far below and above its offset this one must not start.

    Apart, `buffer` starts at least its own size below the other or the other's size above it. An output may come as
    near to its dying input as the lead says, from below.
    """
    below, above = {}, {}
    for index, other in enumerate(buffers):
        if other is not buffer and buffer.overlaps(other):
            below[index] = min(buffer.size, align(buffer.leads.get(other.name, buffer.size)))
            above[index] = min(other.size, align(other.leads.get(buffer.name, other.size)))
    return below, above


def _live_bytes(buffers: tuple[Buffer, ...], index: int) -> int:
    """A lower bound of the bytes during one operator: an output that may overlap inputs needs only what sticks out."""
    live = {buffer.name: buffer for buffer in buffers if buffer.first <= index <= buffer.last}
    total = sum(buffer.size for buffer in live.values())
    for buffer in live.values():
        over = {name: lead for name, lead in buffer.leads.items() if buffer.first == index}
        if over:
            inputs = sum(live[name].size for name in over)
            joined = max(buffer.size, inputs, *(live[n].size + min(lead, buffer.size) for n, lead in over.items()))
            total -= buffer.size + inputs - joined
    return total


def check_plan(graph: IntegerGraph, kernels: Mapping[str, Kernel], plan: MemoryPlan) -> None:
    """Prove that no two live buffers share a byte; of the plan only the offsets and the arena's size are believed.

    The only exception is an output over an input that no later operator reads, by no more than the kernel allows.

    Raises:
        ValueError: the plan would let one tensor destroy another, or leaves the arena. That is a defect of ours,
            never bad input.
    """
    check_placement(lifetimes(graph, kernels), plan)


def check_placement(needed: Sequence[Buffer], plan: MemoryPlan) -> None:
    """The same for buffers whose lifetimes are known.

    Raises:
        ValueError: as above.
    """
    for buffer in needed:
        begin = plan.offsets[buffer.name]
        if begin % ALIGNMENT or begin < 0 or begin + buffer.size > plan.arena_bytes:
            raise ValueError(f"{buffer.name!r} is misaligned or outside the arena")
    for position, one in enumerate(needed):
        for other in needed[position + 1 :]:
            if (
                one.overlaps(other)
                and plan.offsets[one.name] < plan.offsets[other.name] + other.size
                and plan.offsets[other.name] < plan.offsets[one.name] + one.size
                and not _is_legal_overlap(plan, one, other)
            ):
                raise ValueError(f"{one.name!r} and {other.name!r} are live together and overlap")


def _is_legal_overlap(plan: MemoryPlan, source: Buffer, result: Buffer) -> bool:
    """Whether `result`, made after `source`, is the output of the operator that `source` dies in, and far enough."""
    lead = result.leads.get(source.name)
    return (
        lead is not None
        and source.last == result.first
        and plan.offsets[source.name] - plan.offsets[result.name] >= lead
    )

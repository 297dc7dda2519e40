"""Where every activation and scratch buffer lies in one static arena.

Buffers whose lifetimes do not overlap share bytes. The placement is first fit over the buffers sorted by size
(Pisarchyk & Lee, "Efficient memory management for deep neural net inference", 2020, greedy by size), which for
MobileNetV2 reaches the lower bound: the peak of the live bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.graph.ir import Add, IntegerGraph

#: Offsets are multiples of this: enough for int32 scratch and for every vector load of a Cortex-M.
ALIGNMENT = 16


@dataclass(frozen=True)
class Buffer:
    """What one tensor or one scratch area needs.

    Attributes:
        name: the tensor's name, or that of :func:`scratch_name`.
        size: bytes, at least 1.
        first: index of the operator that first writes it; the graph's input has 0, being written before it.
        last: index of the operator that last reads it; the graph's output is kept until after the last operator.
    """

    name: str
    size: int
    first: int
    last: int

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
        in_place: output tensor to the input tensor of the same Add that it overwrites.
        peak_operator: name of the operator during which most bytes are live.
        peak_bytes: those bytes (an output in place counted once): no plan can be smaller.
    """

    arena_bytes: int
    offsets: Mapping[str, int]
    buffers: tuple[Buffer, ...]
    in_place: Mapping[str, str]
    peak_operator: str
    peak_bytes: int


def scratch_name(operator: str) -> str:
    """Buffer name of an operator's scratch; no tensor has it, since a line break is in no tensor's name."""
    return f"scratch\n{operator}"


def lifetimes(graph: IntegerGraph, scratch_bytes: Mapping[str, int]) -> tuple[Buffer, ...]:
    """Every buffer of the graph with its lifetime.

    Args:
        graph: the integer graph.
        scratch_bytes: per operator name; operators that are missing or have 0 need none.
    """
    last_read = {graph.input: 0}
    for index, operator in enumerate(graph.operators):
        for name in operator.inputs:
            last_read[name] = index
    last_read[graph.output] = len(graph.operators)
    buffers = [Buffer(graph.input, graph.tensors[graph.input].size, 0, last_read[graph.input])]
    for index, operator in enumerate(graph.operators):
        scratch = scratch_bytes.get(operator.name, 0)
        if scratch:
            buffers.append(Buffer(scratch_name(operator.name), scratch, index, index))
        # An output that nothing reads is still written.
        last = last_read.get(operator.output, index)
        buffers.append(Buffer(operator.output, graph.tensors[operator.output].size, index, last))
    return tuple(buffers)


def plan_memory(graph: IntegerGraph, scratch_bytes: Mapping[str, int]) -> MemoryPlan:
    """Place every buffer; the same graph gives the same plan.

    An Add writes over an input that dies with it: element-wise, each code is read before it is overwritten.
    """
    buffers = lifetimes(graph, scratch_bytes)
    in_place = _additions_in_place(graph, {buffer.name: buffer for buffer in buffers})
    blocks = _join(buffers, in_place)
    offsets = _place(list(blocks.values()))
    by_root = {name: offsets[root] for name, root in _roots(buffers, in_place).items()}
    live = [
        sum(block.size for block in blocks.values() if block.first <= index <= block.last)
        for index in range(len(graph.operators))
    ]
    peak = max(range(len(live)), key=lambda index: live[index])
    plan = MemoryPlan(
        arena_bytes=_align(max(offsets[block.name] + block.size for block in blocks.values())),
        offsets=by_root,
        buffers=buffers,
        in_place=in_place,
        peak_operator=graph.operators[peak].name,
        peak_bytes=live[peak],
    )
    check_plan(graph, scratch_bytes, plan)
    return plan


def check_plan(graph: IntegerGraph, scratch_bytes: Mapping[str, int], plan: MemoryPlan) -> None:
    """Prove that no two live buffers share a byte; of the plan only the offsets and the arena's size are believed.

    The only exception is an Add whose output lies exactly on an input that no later operator reads.

    Raises:
        ValueError: the plan would let one tensor destroy another, or leaves the arena. That is a defect of ours,
            never bad input.
    """
    needed = lifetimes(graph, scratch_bytes)
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
                and not _is_legal_in_place(graph, plan, one, other)
            ):
                raise ValueError(f"{one.name!r} and {other.name!r} are live together and overlap")


def _is_legal_in_place(graph: IntegerGraph, plan: MemoryPlan, source: Buffer, result: Buffer) -> bool:
    if source.last != result.first or source.last >= len(graph.operators):
        return False
    operator = graph.operators[source.last]
    return (
        isinstance(operator, Add)
        and operator.output == result.name
        and source.name in operator.inputs
        and plan.offsets[source.name] == plan.offsets[result.name]
    )


def _additions_in_place(graph: IntegerGraph, buffers: Mapping[str, Buffer]) -> dict[str, str]:
    chosen = {}
    for index, operator in enumerate(graph.operators):
        if isinstance(operator, Add):
            # The left operand first: in MobileNetV2 it is the block's input, which lives longest.
            dying = [name for name in operator.inputs if buffers[name].last == index and operator.output != name]
            if dying and buffers[operator.output].first == index:
                chosen[operator.output] = dying[0]
    return chosen


def _roots(buffers: tuple[Buffer, ...], in_place: Mapping[str, str]) -> dict[str, str]:
    """Buffer name to the name of the first buffer in its chain of in-place additions."""
    roots: dict[str, str] = {}
    for buffer in buffers:  # in execution order, so that an Add's input is known before its output
        source = in_place.get(buffer.name)
        roots[buffer.name] = buffer.name if source is None else roots[source]
    return roots


def _join(buffers: tuple[Buffer, ...], in_place: Mapping[str, str]) -> dict[str, Buffer]:
    """One block per chain of in-place additions, live from the chain's first write to its last read."""
    roots = _roots(buffers, in_place)
    blocks: dict[str, Buffer] = {}
    for buffer in buffers:
        root = roots[buffer.name]
        block = blocks.get(root, buffer)
        blocks[root] = Buffer(
            root, max(block.size, buffer.size), min(block.first, buffer.first), max(block.last, buffer.last)
        )
    return blocks


def _place(blocks: list[Buffer]) -> dict[str, int]:
    """Lowest free offset for each block, the largest first; ties by first use, then by name."""
    placed: list[tuple[int, Buffer]] = []
    for block in sorted(blocks, key=lambda candidate: (-candidate.size, candidate.first, candidate.name)):
        offset = 0
        for begin, other in sorted(placed, key=lambda entry: entry[0]):
            if not block.overlaps(other):
                continue
            if offset + block.size <= begin:
                break
            offset = max(offset, _align(begin + other.size))
        placed.append((offset, block))
    return {block.name: offset for offset, block in placed}


def _align(value: int) -> int:
    return -(-value // ALIGNMENT) * ALIGNMENT

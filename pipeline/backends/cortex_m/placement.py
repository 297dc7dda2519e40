"""Packing buffers of known sizes and mutual distances into as few bytes as a bounded search finds."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: Offsets are multiples of this: enough for int32 scratch and for every vector load of a Cortex-M.
ALIGNMENT = 16

#: First-fit placements that the search may try when no fixed order reaches the bound.
_MOST_TRIALS = 2000


@dataclass(frozen=True)
class Block:
    """A buffer to be placed.

    Attributes:
        size: bytes.
        below: by index of another block, how many bytes below the other's offset this one must not start within.
        above: likewise above it. A block in neither mapping may be placed anywhere.
    """

    size: int
    below: dict[int, int]
    above: dict[int, int]


def align(value: int) -> int:
    """The next multiple of :data:`ALIGNMENT`."""
    return -(-value // ALIGNMENT) * ALIGNMENT


def place(blocks: Sequence[Block], spans: Sequence[tuple[int, int]], bound: int) -> list[int]:
    """Choose an offset for every block.

    Args:
        blocks: what to place.
        spans: the first and last moment at which each is needed.
        bound: bytes below which nothing can be found, where the search stops.

    Returns:
        Offsets in the order of `blocks`: multiples of :data:`ALIGNMENT`, the same for the same arguments.
    """
    upwards = _place_upwards(blocks, spans, bound)
    height = _height(blocks, upwards)
    if height <= align(bound):
        return upwards
    # Outputs that start below their inputs, one after the other, fit better when they hang from the top.
    hanging = [_mirrored(index, blocks) for index in range(len(blocks))]
    downwards = _place_upwards(hanging, spans, bound)
    if _height(hanging, downwards) >= height:
        return upwards
    height = _height(hanging, downwards)
    return [height - offset - block.size for offset, block in zip(downwards, hanging, strict=True)]


def _mirrored(index: int, blocks: Sequence[Block]) -> Block:
    """A block, its size aligned, as it is seen from the other end of the arena."""
    block, size = blocks[index], align(blocks[index].size)
    below, above = {}, {}
    for other, distance in block.below.items():
        difference = size - align(blocks[other].size)
        below[other] = align(block.above[other]) + difference
        above[other] = align(distance) - difference
    return Block(size, below, above)


def _place_upwards(blocks: Sequence[Block], spans: Sequence[tuple[int, int]], bound: int) -> list[int]:
    orders = list(map(list, _every_order(len(blocks)))) or _orders(blocks, spans)
    trials = [(_height(blocks, first_fit(blocks, order)), rank, order) for rank, order in enumerate(orders)]
    height, _, order = min(trials)
    if height > align(bound):
        order = _search(blocks, order, height, align(bound))
    return first_fit(blocks, order)


def _every_order(count: int) -> Iterable[tuple[int, ...]]:
    """All orders where there are few, else none."""
    return itertools.permutations(range(count)) if math.factorial(min(count, 20)) <= _MOST_TRIALS else ()


def _orders(blocks: Sequence[Block], spans: Sequence[tuple[int, int]]) -> list[list[int]]:
    """By size, by size and lifetime together, by lifetime, as they are made and as they die, in both directions.

    The last is for outputs below the inputs that they lie over: the larger of such neighbours brings the other along,
    the later one first.
    """
    rows = [(index, block.size, *span) for index, (block, span) in enumerate(zip(blocks, spans, strict=True))]
    largest = [max(block.size, *_overlapping(blocks, index)) for index, block in enumerate(blocks)]
    sorted_rows = (
        sorted(rows, key=lambda row: (-row[1], row[2], row[0])),
        sorted(rows, key=lambda row: (-row[1] * (row[3] - row[2] + 1), row[0])),
        sorted(rows, key=lambda row: (row[2] - row[3], -row[1], row[0])),
        sorted(rows, key=lambda row: (row[2], -row[1], row[0])),
        sorted(rows, key=lambda row: (-row[3], -row[1], row[0])),
        sorted(rows, key=lambda row: (-row[2], -row[1], row[0])),
        sorted(rows, key=lambda row: (-largest[row[0]], -row[2], -row[1], row[0])),
    )
    return [[index for index, *_ in order] for order in sorted_rows]


def _overlapping(blocks: Sequence[Block], index: int) -> list[int]:
    """Sizes of the blocks that may share bytes with this one, and 0."""
    near = (other for other, below in blocks[index].below.items() if below < blocks[index].size)
    far = (other for other, above in blocks[index].above.items() if above < blocks[other].size)
    return [0, *(blocks[other].size for other in (*near, *far))]


def _height(blocks: Sequence[Block], offsets: Sequence[int]) -> int:
    return align(max(offset + block.size for offset, block in zip(offsets, blocks, strict=True)))


def first_fit(blocks: Sequence[Block], order: Sequence[int]) -> list[int]:
    """The lowest free offset for each block in turn, in the order of `blocks`."""
    offsets = [-1] * len(blocks)
    for index in order:
        block = blocks[index]
        taken = sorted(
            (offsets[other] - below, offsets[other] + block.above[other])
            for other, below in block.below.items()
            if offsets[other] >= 0
        )
        offset = 0
        for begin, end in taken:  # offsets strictly between are not allowed
            if begin < offset < end:
                offset = align(end)
        offsets[index] = offset
    return offsets


def _search(blocks: Sequence[Block], order: list[int], height: int, bound: int) -> list[int]:
    """Move one block at a time to another place in the order while that helps: first improvement, bounded."""
    best, trials, improved = order, 0, True
    while improved and height > bound:
        improved = False
        for source in range(len(best)):
            for target in range(len(best)):
                if trials == _MOST_TRIALS:
                    return best
                trials += 1
                moved = [index for index in best if index != best[source]]
                moved.insert(target, best[source])
                found = _height(blocks, first_fit(blocks, moved))
                if found < height:
                    best, height, improved = moved, found, True
                    break
            if improved:
                break
    return best

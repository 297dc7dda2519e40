"""Guard zones around every buffer: a build that notices the first byte that a layer writes where it must not.

A guarded model is planned with room around every buffer. Its zones are painted when the buffer comes to life and must
be intact after every layer for as long as it lives; the layer that breaks one is known at once, and by name.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.backends.cortex_m.memory_plan import Buffer, MemoryPlan

#: Bytes on either side of every buffer: more than any kernel's vector stores can miss it by.
GUARD_BYTES = 64


@dataclass(frozen=True)
class Zone:
    """Bytes that no layer may write.

    Attributes:
        buffer: whose neighbourhood they are.
        first: index of the layer before which they are painted.
        last: index of the last layer after which they must be intact.
    """

    buffer: str
    offset: int
    size: int
    first: int
    last: int


def guard_zones(plan: MemoryPlan) -> tuple[Zone, ...]:
    """The zones of a plan that was made with `guard` = :data:`GUARD_BYTES`.

    Where an output lies over an input that dies with it, bytes of either are no guard of the other: those that the
    output takes stop being the input's guard one layer earlier, those in the input become the output's one later.
    """
    layers = len(plan.live_bytes)
    zones: list[Zone] = []
    for buffer in plan.buffers:
        end = plan.end(buffer)
        for begin in (plan.offsets[buffer.name] - GUARD_BYTES, end):
            first, last = buffer.first, min(buffer.last, layers - 1)
            span = (begin, begin + GUARD_BYTES)
            taken = sorted(_core(plan, other) for other in plan.buffers if buffer.name in other.leads)
            for *part, free in _cut(span, taken):
                zones += _later(plan, buffer, (part[0], part[1]), first, last if free else last - 1)
    return tuple(zone for zone in zones if zone.first <= zone.last)


def _later(plan: MemoryPlan, buffer: Buffer, span: tuple[int, int], first: int, last: int) -> Iterator[Zone]:
    """The zone, painted one layer later where it lies in an input that this output lies over."""
    inside = sorted(_core(plan, other) for other in plan.buffers if other.name in buffer.leads)
    for begin, end, free in _cut(span, inside):
        yield Zone(buffer.name, begin, end - begin, first if free else first + 1, last)


def _core(plan: MemoryPlan, buffer: Buffer) -> tuple[int, int]:
    return plan.offsets[buffer.name], plan.end(buffer)


def _cut(span: tuple[int, int], others: list[tuple[int, int]]) -> Iterator[tuple[int, int, bool]]:
    """Split a span at the ends of others: each part with whether it is in none of them."""
    edges = sorted({*span, *(edge for other in others for edge in other if span[0] < edge < span[1])})
    for begin, end in itertools.pairwise(edges):
        yield begin, end, not any(other[0] <= begin < other[1] for other in others)

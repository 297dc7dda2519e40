"""What a group of cascaded units, and the network's ending, keep in memory while they run."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.backends.cortex_m.placement import align
from pipeline.backends.cortex_m.streaming.layout import STRIP, Layout
from pipeline.backends.cortex_m.streaming.rows import output_lead
from pipeline.backends.cortex_m.streaming.structure import Ending, Unit
from pipeline.graph.ir import IntegerGraph

#: Slots of a ring that a window moves over, and rows of the image that its first window keeps.
_SLOTS, _STEM_ROWS = 3, 2
_SUM_BYTES = 4


@dataclass(frozen=True)
class UnitBuffers:
    """Bytes of one unit's own buffers; 0 where it needs none.

    Attributes:
        strip: pixels computed together.
        ring: three expanded rows.
        kept: input rows that a later step needs.
        work: the panel that the matrix products read, and behind it, in a stem, the windows of the first convolution.
        patches_at: where these begin in it; None where there are none.
        row: an output row, where it goes straight into the next unit.
    """

    strip: int
    ring: int
    kept: int
    work: int
    patches_at: int | None
    row: int


@dataclass(frozen=True)
class GroupBuffers:
    """Bytes of a group.

    Attributes:
        units: in order.
        rows: the two buffers in which the output rows of all units but the last take turns.
        source: the whole input; 0 if its rows are pushed.
        result: the whole output.
        lead: by which the output must start before the input.
    """

    units: tuple[UnitBuffers, ...]
    rows: tuple[int, int]
    source: int
    result: int
    lead: int

    @property
    def work(self) -> int:
        """One for all units, because one computes at a time."""
        return max(unit.work for unit in self.units)

    @property
    def fixed(self) -> int:
        """All that does not depend on the strips, aligned."""
        own = sum(align(unit.ring) + align(unit.kept) for unit in self.units)
        return own + sum(map(align, self.rows)) + align(max(self.result, self.source + self.lead))

    @property
    def total(self) -> int:
        """Bytes that are live together, each buffer aligned."""
        return self.fixed + align(self.work)


def group_buffers(
    graph: IntegerGraph, layout: Layout, units: Sequence[Unit], strips: Sequence[int], pushed: bool
) -> GroupBuffers:
    """What a group takes.

    Args:
        graph: the integer graph.
        layout: of the kernels' build.
        units: to be cascaded, at least one.
        strips: of each unit.
        pushed: whether rows are pushed into the first unit, so that its input is never whole.
    """
    own = tuple(
        _unit_buffers(graph, layout, unit, strip, whole_input=index == 0 and not pushed, last=index == len(units) - 1)
        for index, (unit, strip) in enumerate(zip(units, strips, strict=True))
    )
    rows = tuple(max((unit.row for unit in own[parity::2]), default=0) for parity in (0, 1))
    source, result = graph.tensors[units[0].input].size, graph.tensors[units[-1].output].size
    if pushed:
        return GroupBuffers(own, (rows[0], rows[1]), 0, result, 0)
    return GroupBuffers(own, (rows[0], rows[1]), source, result, output_lead(graph, units))


def _unit_buffers(
    graph: IntegerGraph, layout: Layout, unit: Unit, strip: int, whole_input: bool, last: bool
) -> UnitBuffers:
    _, expanded_width, expanded = graph.tensors[unit.expand.output].shape
    _, width, channels = graph.tensors[unit.output].shape
    row = graph.tensors[unit.input].size // graph.tensors[unit.input].shape[0]
    taps = unit.expand.weight[0].size
    longest = min(strip, expanded_width)
    kept_rows = _STEM_ROWS if unit.is_stem else 1 if unit.addition else 0
    before = layout.panel_bytes(taps, longest)
    patches_at = align(before) if unit.is_stem else None
    gathered = before if patches_at is None else patches_at + taps * longest
    return UnitBuffers(
        strip=strip,
        ring=layout.ring_bytes(expanded_width, expanded, _SLOTS),
        kept=0 if whole_input else kept_rows * row,
        work=max(gathered, layout.panel_bytes(expanded, min(strip, width))),
        patches_at=patches_at,
        row=0 if last else width * channels,
    )


@dataclass(frozen=True)
class EndingBuffers:
    """Bytes of the network's ending.

    Attributes:
        parts: output channels of each part of the last convolution.
    """

    strip: int
    parts: tuple[int, ...]
    ring: int
    panel: int
    sums: int
    features: int
    source: int
    result: int

    @property
    def total(self) -> int:
        """Bytes that are live together, each buffer aligned."""
        own = (self.ring, self.panel, self.sums, self.features, self.source, self.result)
        return sum(map(align, own))


def ending_buffers(graph: IntegerGraph, layout: Layout, ending: Ending, strip: int, part: int) -> EndingBuffers:
    """What the ending takes with at most `part` output channels of the last convolution at a time."""
    source = graph.tensors[ending.expand.input]
    pixels, channels, features = source.shape[0] * source.shape[1], source.shape[2], len(ending.expand.bias)
    part = min(part, features)
    parts = tuple(min(part, features - first) for first in range(0, features, part))
    return EndingBuffers(
        strip=strip,
        parts=parts,
        ring=layout.ring_bytes(pixels, part, 1),
        panel=layout.panel_bytes(channels, min(strip, pixels)),
        sums=_SUM_BYTES * part,
        features=features,
        source=source.size,
        result=graph.tensors[ending.classifier.output].size,
    )


def whole_rows(width: int) -> int:
    """The strip that covers a row of this width."""
    return -(-width // STRIP) * STRIP

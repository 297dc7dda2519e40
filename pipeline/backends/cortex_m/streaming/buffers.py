"""What a group of cascaded units, and the network's ending, keep in memory while they run."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.backends.cortex_m.placement import align
from pipeline.backends.cortex_m.streaming.layout import COLUMN_BYTES, STRIP, Layout, saved_bytes
from pipeline.backends.cortex_m.streaming.rows import output_lead
from pipeline.backends.cortex_m.streaming.structure import Ending, Unit
from pipeline.graph.ir import IntegerGraph

#: Slots of a ring that a window moves over, and rows of the image that its first window keeps.
_SLOTS, _STEM_ROWS = 3, 2
_SUM_BYTES = 4


@dataclass(frozen=True)
class Cut:
    """How the rows of one unit are cut.

    Attributes:
        strip: pixels computed together.
        tiled: whether the ring holds a strip of its three rows at a time instead of whole rows; stride 2 only.
    """

    strip: int
    tiled: bool = False


@dataclass(frozen=True)
class UnitBuffers:
    """Bytes of one unit's own buffers; 0 where it needs none.

    Attributes:
        cut: what they are for.
        ring: three expanded rows; a tiled unit has its ring in `work`.
        saved: of a tiled unit, the expanded row that the next window needs too.
        kept: input rows that a later step needs.
        work: the panel that the matrix products read; behind it, in a stem, the windows of the first convolution, and
            in a tiled unit the ring and the column left of its strip.
        patches_at: where the stem's windows begin in it; None where there are none.
        tile_at: where the ring and where the column begins in it; None where they are not in it.
        row: an output row, where it goes straight into the next unit.
    """

    cut: Cut
    ring: int
    saved: int
    kept: int
    work: int
    patches_at: int | None
    tile_at: tuple[int, int] | None
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
        own = sum(align(unit.ring) + align(unit.saved) + align(unit.kept) for unit in self.units)
        return own + sum(map(align, self.rows)) + align(max(self.result, self.source + self.lead))

    @property
    def total(self) -> int:
        """Bytes that are live together, each buffer aligned."""
        return self.fixed + align(self.work)


def group_buffers(
    graph: IntegerGraph, layout: Layout, units: Sequence[Unit], cuts: Sequence[Cut], pushed: bool
) -> GroupBuffers:
    """What a group takes.

    Args:
        graph: the integer graph.
        layout: of the kernels' build.
        units: to be cascaded, at least one.
        cuts: of each unit.
        pushed: whether rows are pushed into the first unit, so that its input is never whole.
    """
    own = tuple(
        _unit_buffers(graph, layout, unit, cut, whole_input=index == 0 and not pushed, last=index == len(units) - 1)
        for index, (unit, cut) in enumerate(zip(units, cuts, strict=True))
    )
    rows = tuple(max((unit.row for unit in own[parity::2]), default=0) for parity in (0, 1))
    source, result = graph.tensors[units[0].input].size, graph.tensors[units[-1].output].size
    if pushed:
        return GroupBuffers(own, (rows[0], rows[1]), 0, result, 0)
    return GroupBuffers(own, (rows[0], rows[1]), source, result, output_lead(graph, units, cuts[0].tiled))


def _unit_buffers(
    graph: IntegerGraph, layout: Layout, unit: Unit, cut: Cut, whole_input: bool, last: bool
) -> UnitBuffers:
    _, expanded_width, expanded = graph.tensors[unit.expand.output].shape
    _, width, channels = graph.tensors[unit.output].shape
    row = graph.tensors[unit.input].size // graph.tensors[unit.input].shape[0]
    taps = unit.expand.weight[0].size
    longest = min(cut.strip, expanded_width)
    kept_rows = _STEM_ROWS if unit.is_stem else 1 if unit.addition or cut.tiled else 0
    before = layout.panel_bytes(taps, longest)
    patches_at = tile_at = None
    ring = saved = 0
    if cut.tiled:
        ring_at = align(max(before, layout.panel_bytes(expanded, -(-longest // unit.depthwise.stride[0]))))
        tile_at = ring_at, align(ring_at + layout.ring_bytes(longest, expanded, _SLOTS))
        work = tile_at[1] + COLUMN_BYTES * expanded
        saved = saved_bytes(expanded_width, expanded)
    else:
        patches_at = align(before) if unit.is_stem else None
        gathered = before if patches_at is None else patches_at + taps * longest
        work = max(gathered, layout.panel_bytes(expanded, min(cut.strip, width)))
        ring = layout.ring_bytes(expanded_width, expanded, _SLOTS)
    return UnitBuffers(
        cut=cut,
        ring=ring,
        saved=saved,
        kept=0 if whole_input else kept_rows * row,
        work=work,
        patches_at=patches_at,
        tile_at=tile_at,
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

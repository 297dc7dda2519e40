"""What the streaming engine takes, and that its schedule is the best there is."""

import functools
import itertools

import numpy as np
import pytest

from pipeline.backends.cortex_m.libraries import engine_for
from pipeline.backends.cortex_m.placement import ALIGNMENT
from pipeline.backends.cortex_m.skeleton import Variant, skeleton
from pipeline.backends.cortex_m.streaming.buffers import Cut, ending_buffers, group_buffers
from pipeline.backends.cortex_m.streaming.layout import STRIP
from pipeline.backends.cortex_m.streaming.layouts.portable import LAYOUT
from pipeline.backends.cortex_m.streaming.planner import plan_streaming
from pipeline.backends.cortex_m.streaming.rows import output_lead
from pipeline.backends.cortex_m.streaming.structure import Unit, recognise
from pipeline.errors import SixfoldError
from pipeline.graph.cost import live_memory
from pipeline.graph.ir import IntegerGraph, Padding
from tests.graph.graphs import GraphBuilder, random_graph, small_mobilenet

SMALL = skeleton(Variant(0.35, (96, 96, 3), 2, 10))


def test_the_paper_s_network_is_a_chain_of_inverted_residuals() -> None:
    network = recognise(SMALL)
    assert len(network.units) == 17
    assert [unit.is_stem for unit in network.units] == [True] + [False] * 16
    assert sum(unit.addition is not None for unit in network.units) == 10
    listed = [operator for unit in network.units for operator in unit.operators] + list(network.ending.operators)
    assert listed == list(SMALL.operators)


def builder_with_stem() -> tuple[GraphBuilder, str]:
    builder = GraphBuilder(np.random.default_rng(1))
    stem = builder.conv(builder.add_input((8, 8, 3)), 8, kernel=3, stride=2)
    return builder, stem


def finish(builder: GraphBuilder, name: str) -> IntegerGraph:
    return builder.build(builder.fully_connected(builder.pool(builder.conv(name, 16)), 3))


def wide_window() -> tuple[IntegerGraph, str]:
    builder, stem = builder_with_stem()
    name = builder.conv(builder.depthwise(stem, kernel=5), 8, relu6=False)
    return finish(builder, name), "depthwise1"


def asymmetric_padding() -> tuple[IntegerGraph, str]:
    builder, stem = builder_with_stem()
    name = builder.conv(builder.depthwise(stem, stride=2, padding=Padding(0, 0, 1, 1)), 8, relu6=False)
    return finish(builder, name), "depthwise1"


def no_depthwise() -> tuple[IntegerGraph, str]:
    builder, stem = builder_with_stem()
    return finish(builder, builder.conv(builder.conv(stem, 8), 8)), "conv1"


def far_residual() -> tuple[IntegerGraph, str]:
    builder, stem = builder_with_stem()
    first = builder.conv(builder.depthwise(stem), 8, relu6=False)
    second = builder.conv(builder.depthwise(builder.conv(first, 16)), 8, relu6=False)
    third = builder.conv(builder.depthwise(builder.conv(second, 16)), 8, relu6=False)
    return finish(builder, builder.add(first, third)), "add9"


def first_block_expands() -> tuple[IntegerGraph, str]:
    builder = GraphBuilder(np.random.default_rng(1))
    name = builder.conv(builder.add_input((8, 8, 3)), 8)
    return finish(builder, builder.conv(builder.depthwise(name), 8)), "conv0"


def no_classifier() -> tuple[IntegerGraph, str]:
    builder, stem = builder_with_stem()
    name = builder.conv(builder.depthwise(stem), 8, relu6=False)
    return builder.build(builder.pool(builder.conv(builder.conv(name, 8), 8))), "conv4"


@pytest.mark.parametrize(
    "make", [wide_window, asymmetric_padding, no_depthwise, far_residual, first_block_expands, no_classifier]
)
def test_another_network_is_refused_by_name(make) -> None:
    graph, layer = make()
    with pytest.raises(SixfoldError) as caught:
        recognise(graph)
    line = str(caught.value)
    assert line.startswith(f"layer {layer}: kernels: streaming takes a MobileNetV2, and this is not "), line
    assert line.endswith("; take kernels: cmsis-nn or portable") and "\n" not in line


def test_a_network_that_ends_early_is_refused() -> None:
    builder, stem = builder_with_stem()
    name = builder.conv(builder.depthwise(stem), 8, relu6=False)
    with pytest.raises(SixfoldError, match="the network ends where the classifier is expected; take kernels: "):
        recognise(builder.build(builder.pool(builder.conv(name, 16))))


class Rows:
    """One unit in Python: which rows it still reads, found by doing what the firmware does."""

    def __init__(self, graph: IntegerGraph, unit: Unit, tiled: bool) -> None:
        self.unit, self.tiled = unit, tiled
        self.stem = unit.expand.stride[0] if unit.is_stem else 0
        self.stride = unit.depthwise.stride[0]
        self.input_height = graph.tensors[unit.input].shape[0]
        self.height = graph.tensors[unit.expand.output].shape[0]
        self.output_height = graph.tensors[unit.output].shape[0]
        self.arrived = self.expanded = self.made = 0

    def step(self, ended: bool) -> tuple[bool, int]:
        """Whether an output row is made, and the first input row read while it is written."""
        if self.tiled:
            return self.tiled_step(ended)
        if not ended:
            self.arrived += 1
        if self.stem:
            last = self.stem * self.expanded + 1
            if (self.arrived == last + 1 and not ended) or (ended and self.arrived == last == self.input_height):
                self.expanded += 1
        elif not ended:
            self.expanded += 1
        last = self.stride * self.made + 1
        makes = self.expanded == last + 1 or (ended and self.expanded == last == self.height)
        self.made += makes
        first = self.arrived if self.unit.addition is None else self.made - 1
        if self.stem and not ended:
            first = self.stem * self.expanded - 1  # of the next window
        return makes, min(max(first, 0), self.input_height)

    def tiled_step(self, ended: bool) -> tuple[bool, int]:
        """Every second row is expanded together with the one before it, while the output row is written."""
        makes = self.arrived % 2 == 1
        first = self.arrived - 1
        self.arrived += not ended
        self.made += makes
        return makes, first


def simulated_lead(graph: IntegerGraph, units: tuple[Unit, ...], tiled: bool) -> int:
    rows = [Rows(graph, unit, tiled and index == 0) for index, unit in enumerate(units)]
    source, result = graph.tensors[units[0].input], graph.tensors[units[-1].output]
    in_row, out_row = source.size // source.shape[0], result.size // result.shape[0]
    worst = 0

    def cascade(index: int, ended: bool) -> None:
        nonlocal worst
        made, needed = rows[index].step(ended)
        needed = needed if index == 0 else source.shape[0]
        while made and index + 1 < len(rows):
            index += 1
            made, _ = rows[index].step(False)
        if not made:
            return
        if len(rows) > 1 and tiled:
            needed = rows[0].arrived
        elif len(rows) > 1 and rows[0].unit.addition is not None:
            needed = rows[0].arrived - 1 if rows[0].made < rows[0].output_height else source.shape[0]
        worst = max(worst, rows[-1].made * out_row - needed * in_row)

    for _ in range(source.shape[0]):
        cascade(0, False)
    for index, row in enumerate(rows):
        while row.made < row.output_height:
            cascade(index, True)
    return min(max(worst, 0), result.size)


@pytest.mark.parametrize("graph", [SMALL, small_mobilenet(3, 17), random_graph(5)], ids=["paper", "odd", "random"])
def test_an_output_leads_by_what_the_rows_need(graph: IntegerGraph) -> None:
    units = recognise(graph).units
    for first, end in itertools.combinations(range(len(units) + 1), 2):
        for tiled in {False, units[first].depthwise.stride[0] == 2}:
            if end - first <= 4:
                assert output_lead(graph, units[first:end], tiled) == simulated_lead(graph, units[first:end], tiled)


@pytest.mark.parametrize("pushed", [False, True])
@pytest.mark.parametrize("graph", [small_mobilenet(1, 32), skeleton(Variant(0.35, (32, 32, 1), 1, 10))])
def test_no_other_cascades_take_less(graph: IntegerGraph, pushed: bool) -> None:
    network = recognise(graph)
    units = network.units
    widths = [graph.tensors[unit.expand.output].shape[1] for unit in units]
    tileable = [unit.depthwise.stride[0] == 2 and width > STRIP for unit, width in zip(units, widths, strict=True)]
    ways = [[Cut(STRIP), Cut(STRIP, True)] if can else [Cut(STRIP)] for can in tileable]
    assert any(len(options) > 1 for options in ways)

    @functools.cache
    def least_of(first: int, end: int) -> int:
        return min(
            group_buffers(graph, LAYOUT, units[first:end], cuts, pushed and first == 0).total
            for cuts in itertools.product(*ways[first:end])
        )

    most = min(
        max(least_of(a, b) for a, b in itertools.pairwise([0, *bounds, len(units)]))
        for count in range(len(units))
        for bounds in itertools.combinations(range(1, len(units)), count)
    )
    plan = plan_streaming(graph, network, LAYOUT, pushed, "memory")
    assert max(group.buffers.total for group in plan.groups) <= max(most, plan.ending_buffers.total)
    assert plan.memory.lower_bound >= most


def test_a_unit_is_tiled_only_where_that_lowers_the_peak() -> None:
    network = recognise(SMALL)
    pushed, whole = (plan_streaming(SMALL, network, LAYOUT, given, "memory") for given in (True, False))
    tiled = [unit for group in pushed.groups for unit in group.buffers.units if unit.cut.tiled]
    assert len(tiled) == 1 and 0 == tiled[0].ring < tiled[0].saved < LAYOUT.ring_bytes(48, 48, 3) // 2
    # The whole image needs more than any block.
    assert not any(unit.cut.tiled for group in whole.groups for unit in group.buffers.units)


@pytest.mark.parametrize("pushed", [False, True])
@pytest.mark.parametrize("variant", [Variant(0.35, (96, 96, 3), 2, 10), Variant(1.0, (224, 224, 3), 2, 1000)])
def test_the_arena_is_no_larger_than_the_schedule_needs(variant: Variant, pushed: bool) -> None:
    graph = skeleton(variant)
    plan = plan_streaming(graph, recognise(graph), LAYOUT, pushed, "memory")
    peak = max(*(group.buffers.total for group in plan.groups), plan.ending_buffers.total)
    assert plan.memory.arena_bytes <= peak < plan.memory.lower_bound + 8 * ALIGNMENT
    # Layer by layer, the paper's equation 2 asks for several times as much.
    assert 3 * plan.memory.arena_bytes < max(layer.live_bytes for layer in live_memory(graph))


def test_strips_are_as_long_as_the_peak_permits() -> None:
    network = recognise(SMALL)
    memory, speed = (plan_streaming(SMALL, network, LAYOUT, True, goal) for goal in ("memory", "speed"))
    assert memory.memory.arena_bytes < speed.memory.arena_bytes
    strips = [unit.cut.strip for group in memory.groups for unit in group.buffers.units]
    assert min(strips) == STRIP < max(strips)
    for group in speed.groups:
        widths = [SMALL.tensors[unit.expand.output].shape[1] for unit in group.units]
        cuts = [unit.cut for unit in group.buffers.units]
        assert all(cut.strip >= width and not cut.tiled for cut, width in zip(cuts, widths, strict=True))


def test_the_ending_is_cut_where_that_keeps_it_below_the_peak() -> None:
    plan = plan_streaming(SMALL, recognise(SMALL), LAYOUT, True, "memory")
    assert len(plan.ending_buffers.parts) > 1 and sum(plan.ending_buffers.parts) == 1280
    whole = ending_buffers(SMALL, LAYOUT, plan.ending, STRIP, 1280)
    assert plan.ending_buffers.total <= plan.memory.arena_bytes < whole.total


def test_the_same_graph_gives_the_same_sources() -> None:
    one, other = (engine_for("streaming", "none", "rows").program(small_mobilenet(2), False) for _ in range(2))
    assert one == other
    assert all(text.isascii() for text in one.files.values())

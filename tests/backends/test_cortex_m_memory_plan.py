"""The memory plan: no two live buffers share a byte, whatever the graph."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.backends.cortex_m.kernel import Kernel
from pipeline.backends.cortex_m.memory_plan import ALIGNMENT, check_plan, lifetimes, plan_memory, scratch_name
from pipeline.backends.cortex_m.placement import Block, align, first_fit, place
from pipeline.backends.cortex_m.portable import portable_kernel
from pipeline.graph.cost import live_memory
from pipeline.graph.ir import Add, IntegerGraph
from tests.graph.graphs import GraphBuilder, random_graph, small_mobilenet


def kernels_of(graph: IntegerGraph) -> dict[str, Kernel]:
    return {operator.name: portable_kernel(graph, operator) for operator in graph.operators}


def without_overlap(graph: IntegerGraph, scratch: dict[str, int]) -> dict[str, Kernel]:
    return {operator.name: Kernel("any", scratch.get(operator.name, 0)) for operator in graph.operators}


@st.composite
def tangled_graphs(draw: st.DrawFn) -> IntegerGraph:
    """Convolutions and additions that read any earlier tensor, so that lifetimes overlap in every way."""
    builder = GraphBuilder(np.random.default_rng(draw(st.integers(0, 1000))))
    source = builder.add_input((2, 2, draw(st.integers(1, 20))))
    width = draw(st.integers(1, 20))
    same = [builder.conv(source, width)]
    for _ in range(draw(st.integers(0, 10))):
        if draw(st.booleans()):
            same.append(builder.add(draw(st.sampled_from(same)), draw(st.sampled_from(same))))
        else:
            wide = builder.conv(draw(st.sampled_from(same)), draw(st.integers(1, 60)))
            same.append(builder.conv(wide, width, relu6=False))
    return builder.build(builder.pool(draw(st.sampled_from(same))))


def occupied(graph: IntegerGraph, kernels: dict[str, Kernel]) -> None:
    """Simulate the inference: every read must find the bytes that were written.

    An operator reads its inputs before it writes; whether it may write over them while it reads is the kernel's
    promise, which tests/firmware/test_kernels.py holds it to. That it keeps the distance is checked here.
    """
    plan = plan_memory(graph, kernels)
    owner: dict[int, str] = {}

    def extent(name: str) -> range:
        size = next(buffer.size for buffer in plan.buffers if buffer.name == name)
        return range(plan.offsets[name], plan.offsets[name] + size)

    def write(name: str) -> None:
        begin, end = extent(name).start, extent(name).stop
        assert begin >= 0
        assert end <= plan.arena_bytes
        assert begin % ALIGNMENT == 0
        owner.update(dict.fromkeys(extent(name), name))

    def read(name: str) -> None:
        assert all(owner[byte] == name for byte in extent(name)), name

    write(graph.input)
    for operator in graph.operators:
        kernel = kernels[operator.name]
        if kernel.scratch_bytes:
            write(scratch_name(operator.name))
        for name in operator.inputs:
            read(name)
        write(operator.output)
        for name, lead in zip(operator.inputs, kernel.leads or [None] * 2, strict=False):
            if lead is None or plan.offsets[name] - plan.offsets[operator.output] < lead:
                read(name)
    read(graph.output)


@settings(max_examples=100, deadline=None)
@given(tangled_graphs(), st.integers(0, 100))
def test_every_read_finds_what_was_written(graph: IntegerGraph, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scratch = {operator.name: int(rng.integers(0, 80)) for operator in graph.operators}
    occupied(graph, without_overlap(graph, scratch))
    occupied(graph, kernels_of(graph))


@pytest.mark.parametrize("seed", range(5))
def test_mobilenet_needs_hardly_more_than_its_peak(seed: int) -> None:
    graph = random_graph(seed)
    plan = plan_memory(graph, kernels_of(graph))
    assert plan.lower_bound <= plan.arena_bytes <= 1.1 * plan.lower_bound
    assert plan.peak_operator in {operator.name for operator in graph.operators}
    # Outputs that lie over their inputs need less than outputs beside them.
    assert plan.arena_bytes < plan_memory(graph, without_overlap(graph, {})).arena_bytes
    assert plan_memory(graph, without_overlap(graph, {})).lower_bound == max(
        layer.live_bytes for layer in live_memory(graph)
    )


def test_the_residual_addition_is_in_place() -> None:
    builder = GraphBuilder(np.random.default_rng(0))
    first = builder.conv(builder.add_input((4, 4, 8)), 8)
    graph = builder.build(builder.add(first, builder.conv(first, 8)))
    kernels = {operator.name: Kernel("any", 0, (0, 0)[: len(operator.inputs)]) for operator in graph.operators}
    assert plan_memory(graph, kernels).arena_bytes == 2 * 4 * 4 * 8


def test_an_operand_that_is_read_again_is_not_overwritten() -> None:
    builder = GraphBuilder(np.random.default_rng(0))
    first = builder.conv(builder.add_input((4, 4, 2)), 4)
    joined = builder.add(first, first)
    graph = builder.build(builder.pool(builder.add(joined, first)))
    buffers = {buffer.name: buffer for buffer in lifetimes(graph, kernels_of(graph))}
    assert buffers[joined].leads == {}
    occupied(graph, kernels_of(graph))


def test_the_same_graph_gives_the_same_plan() -> None:
    first, second = (plan_memory(graph, kernels_of(graph)) for graph in (random_graph(3), random_graph(3)))
    assert first == second


@pytest.mark.parametrize("damage", ["overlap", "outside", "misaligned", "too near"])
def test_the_proof_finds_a_bad_plan(damage: str) -> None:
    graph = small_mobilenet(0)
    kernels = kernels_of(graph)
    plan = plan_memory(graph, kernels)
    check_plan(graph, kernels, plan)
    first, depthwise = graph.operators[:2]
    name, offset = {
        "overlap": (first.output, plan.offsets[scratch_name(first.name)]),
        "outside": (first.output, plan.arena_bytes),
        "misaligned": (first.output, plan.offsets[first.output] + 1),
        "too near": (depthwise.output, plan.offsets[depthwise.inputs[0]]),
    }[damage]
    expected = "misaligned or outside" if damage in ("outside", "misaligned") else "live together"
    with pytest.raises(ValueError, match=expected):
        check_plan(graph, kernels, replace(plan, offsets={**plan.offsets, name: offset}))


def random_blocks(rng: np.random.Generator, count: int) -> tuple[list[Block], list[tuple[int, int]]]:
    """Blocks that may not overlap while both live."""
    firsts = rng.integers(0, 6, count)
    spans = [(int(first), int(first + rng.integers(0, 4))) for first in firsts]
    sizes = [int(size) for size in rng.integers(1, 200, count)]
    blocks = []
    for index, span in enumerate(spans):
        live = [o for o, other in enumerate(spans) if o != index and span[0] <= other[1] and other[0] <= span[1]]
        blocks.append(Block(sizes[index], dict.fromkeys(live, sizes[index]), {other: sizes[other] for other in live}))
    return blocks, spans


def height(blocks: list[Block], offsets: list[int]) -> int:
    return align(max(offset + block.size for offset, block in zip(offsets, blocks, strict=True)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_small_placements_are_as_good_as_the_best_of_all_orders(seed: int, count: int) -> None:
    blocks, spans = random_blocks(np.random.default_rng(seed), count)
    found = height(blocks, place(blocks, spans, 0))
    best = min(height(blocks, first_fit(blocks, order)) for order in itertools.permutations(range(count)))
    assert found == best


def test_lifetimes_span_from_the_write_to_the_last_read() -> None:
    graph = small_mobilenet(0)
    spans = {
        buffer.name: (buffer.first, buffer.last)
        for buffer in lifetimes(graph, without_overlap(graph, {graph.operators[2].name: 5}))
    }
    assert spans[graph.input] == (0, 0)
    assert spans[graph.output] == (len(graph.operators) - 1, len(graph.operators))
    assert spans[scratch_name(graph.operators[2].name)] == (2, 2)
    (addition,) = (operator for operator in graph.operators if isinstance(operator, Add))
    assert spans[addition.left][1] == graph.operators.index(addition)

"""The memory plan: no two live buffers share a byte, whatever the graph."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.backends.cortex_m.memory_plan import ALIGNMENT, check_plan, lifetimes, plan_memory, scratch_name
from pipeline.backends.cortex_m.portable import portable_kernel
from pipeline.graph.cost import live_memory
from pipeline.graph.ir import Add, IntegerGraph
from tests.graph.graphs import GraphBuilder, random_graph, small_mobilenet


def scratch_of(graph: IntegerGraph) -> dict[str, int]:
    return {operator.name: portable_kernel(graph, operator).scratch_bytes for operator in graph.operators}


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


def occupied(graph: IntegerGraph, scratch: dict[str, int]) -> None:
    """Simulate the inference: every read must find the bytes that were written."""
    plan = plan_memory(graph, scratch)
    owner: dict[int, str] = {}

    def write(name: str, size: int) -> None:
        begin = plan.offsets[name]
        assert begin >= 0
        assert begin + size <= plan.arena_bytes
        assert begin % ALIGNMENT == 0
        owner.update(dict.fromkeys(range(begin, begin + size), name))

    def read(name: str) -> None:
        begin = plan.offsets[name]
        assert all(owner[byte] == name for byte in range(begin, begin + graph.tensors[name].size)), name

    write(graph.input, graph.tensors[graph.input].size)
    for operator in graph.operators:
        if scratch.get(operator.name):
            write(scratch_name(operator.name), scratch[operator.name])
        for name in operator.inputs:
            read(name)
        write(operator.output, graph.tensors[operator.output].size)
        if not isinstance(operator, Add):
            # Only an addition may write over what it reads.
            for name in operator.inputs:
                read(name)
    read(graph.output)


@settings(max_examples=150, deadline=None)
@given(tangled_graphs(), st.integers(0, 100))
def test_every_read_finds_what_was_written(graph: IntegerGraph, seed: int) -> None:
    rng = np.random.default_rng(seed)
    occupied(graph, {operator.name: int(rng.integers(0, 80)) for operator in graph.operators})


@pytest.mark.parametrize("seed", range(5))
def test_mobilenet_needs_no_more_than_its_peak(seed: int) -> None:
    graph = random_graph(seed)
    plan = plan_memory(graph, scratch_of(graph))
    assert plan.arena_bytes <= plan.peak_bytes + 3 * ALIGNMENT
    assert plan.peak_operator in {operator.name for operator in graph.operators}
    # An addition in place needs less than one that materialises its output; scratch needs more.
    largest_scratch = max(scratch_of(graph).values())
    assert plan.peak_bytes <= max(layer.live_bytes for layer in live_memory(graph)) + largest_scratch


def test_the_residual_addition_is_in_place() -> None:
    graph = small_mobilenet(0)
    plan = plan_memory(graph, scratch_of(graph))
    (addition,) = (operator for operator in graph.operators if isinstance(operator, Add))
    assert plan.in_place == {addition.output: addition.left}
    assert plan.offsets[addition.output] == plan.offsets[addition.left]


def test_an_operand_that_is_read_again_is_not_overwritten() -> None:
    builder = GraphBuilder(np.random.default_rng(0))
    first = builder.conv(builder.add_input((4, 4, 2)), 4)
    joined = builder.add(first, first)
    graph = builder.build(builder.pool(builder.add(joined, first)))
    plan = plan_memory(graph, {})
    assert joined not in plan.in_place
    occupied(graph, {})


def test_the_same_graph_gives_the_same_plan() -> None:
    first, second = (plan_memory(graph, scratch_of(graph)) for graph in (random_graph(3), random_graph(3)))
    assert first == second


@pytest.mark.parametrize("damage", ["overlap", "outside", "misaligned"])
def test_the_proof_finds_a_bad_plan(damage: str) -> None:
    graph = small_mobilenet(0)
    scratch = scratch_of(graph)
    plan = plan_memory(graph, scratch)
    check_plan(graph, scratch, plan)
    first = graph.operators[0]
    moved = {
        "overlap": plan.offsets[first.inputs[0]],
        "outside": plan.arena_bytes,
        "misaligned": plan.offsets[first.output] + 1,
    }[damage]
    with pytest.raises(ValueError, match="live together" if damage == "overlap" else "misaligned or outside"):
        check_plan(graph, scratch, replace(plan, offsets={**plan.offsets, first.output: moved}))


def test_lifetimes_span_from_the_write_to_the_last_read() -> None:
    graph = small_mobilenet(0)
    spans = {buffer.name: (buffer.first, buffer.last) for buffer in lifetimes(graph, {graph.operators[2].name: 5})}
    assert spans[graph.input] == (0, 0)
    assert spans[graph.output] == (len(graph.operators) - 1, len(graph.operators))
    assert spans[scratch_name(graph.operators[2].name)] == (2, 2)
    (addition,) = (operator for operator in graph.operators if isinstance(operator, Add))
    assert spans[addition.left][1] == graph.operators.index(addition)

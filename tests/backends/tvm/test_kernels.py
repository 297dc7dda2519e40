"""Every TIR kernel against the float-family reference, tensor by tensor."""

import numpy as np
import pytest

from pipeline.backends.tvm.isa import INSTRUCTION_SETS
from pipeline.backends.tvm.plan import Plan
from pipeline.graph.ir import Padding
from pipeline.graph.reference import execute_all
from tests.backends.tvm.kernels import HERE, execute_kernels
from tests.graph.graphs import GraphBuilder, random_graph, random_inputs

pytestmark = pytest.mark.slow

ISAS = pytest.mark.parametrize("isa", HERE, ids=lambda isa: isa.name)


def assert_equals_reference(graph, isa, seed, schedules=None):
    inputs = random_inputs(graph, 1, seed)
    expected = execute_all(graph, inputs, "float")
    for name, values in execute_kernels(graph, isa, inputs[0], schedules or {}).items():
        np.testing.assert_array_equal(values, expected[name][0], err_msg=name)


def test_this_processor_executes_at_least_one_instruction_set():
    assert HERE, "tests of generated code need a processor with AVX2 and FMA"


@ISAS
@pytest.mark.parametrize("seed", range(4))
def test_a_network_equals_the_reference_in_every_tensor(isa, seed):
    assert_equals_reference(random_graph(seed), isa, seed)


@ISAS
@pytest.mark.parametrize("seed", range(4))
def test_windows_of_any_size_stride_and_padding(isa, seed):
    rng = np.random.default_rng(seed)
    builder = GraphBuilder(rng)
    value = builder.add_input((int(rng.integers(6, 12)), int(rng.integers(6, 12)), int(rng.choice([1, 3, 8]))))
    for kernel in (3, 5, 2):
        padding = Padding(*(int(side) for side in rng.integers(0, kernel, 4)))
        value = builder.conv(value, int(rng.integers(3, 40)), kernel, int(rng.integers(1, 3)), padding, relu6=False)
        padding = Padding(*(int(side) for side in rng.integers(0, 3, 4)))
        value = builder.depthwise(value, 3, int(rng.integers(1, 3)), padding) if rng.random() < 0.8 else value
    assert_equals_reference(builder.build(builder.fully_connected(builder.pool(value), 5)), isa, seed)


@ISAS
def test_additions_alone_and_fused_on_either_side(isa):
    builder = GraphBuilder(np.random.default_rng(3))
    source = builder.conv(builder.add_input((5, 7, 3)), 24, relu6=False)
    fused_left = builder.add(builder.conv(source, 24, relu6=False), source)
    fused_right = builder.add(fused_left, builder.conv(fused_left, 24, relu6=False))
    twice_read = builder.conv(fused_right, 24, relu6=False)
    alone = builder.add(twice_read, fused_right)
    alone = builder.add(alone, twice_read)
    doubled = builder.add(alone, alone)
    graph = builder.build(builder.fully_connected(builder.pool(doubled), 3))
    steps = list(Plan(graph, isa).kernels())
    assert sum("add" in step.tunable.key for step in steps if step.tunable) == 2
    assert_equals_reference(graph, isa, 3)


@ISAS
def test_a_hundred_thousand_pairs_of_codes_are_added_as_the_reference_adds(isa):
    builder = GraphBuilder(np.random.default_rng(5))
    left = builder.add_input((256, 256, 2))
    right = builder.depthwise(left, kernel=1, padding=Padding(), relu6=False)
    graph = builder.build(builder.add(left, right))
    assert_equals_reference(graph, isa, 5)


@ISAS
def test_a_schedule_never_changes_a_code(isa):
    graph = random_graph(9)
    tunables = {step.tunable.key: step.tunable for step in Plan(graph, isa).kernels() if step.tunable}
    for choice in range(3):
        rng = np.random.default_rng(choice)
        chosen = {key: each.candidates[rng.integers(len(each.candidates))] for key, each in tunables.items()}
        assert_equals_reference(graph, isa, 9, chosen)


@ISAS
def test_extreme_codes_and_weights_accumulate_exactly(isa):
    builder = GraphBuilder(np.random.default_rng(1))
    source = builder.add_input((3, 3, 64))
    graph = builder.build(builder.conv(builder.conv(source, 16, kernel=3, relu6=False), 8, relu6=False))
    for operator in graph.operators:
        operator.weight[:] = np.where(operator.weight > 0, 127, -127)
    for code in (-128, 127):
        image = np.full((3, 3, 64), code, np.int8)
        expected = execute_all(graph, image[np.newaxis], "float")
        for name, values in execute_kernels(graph, isa, image, {}).items():
            np.testing.assert_array_equal(values, expected[name][0])


@pytest.mark.parametrize("isa", INSTRUCTION_SETS.values(), ids=lambda isa: isa.name)
def test_candidates_fit_the_registers_and_the_tensor(isa):
    for step in Plan(random_graph(2), isa).kernels():
        if step.tunable is not None:
            assert step.tunable.candidates
            assert step.tunable.default in step.tunable.candidates or step.tunable.default.order == "channels"
            assert all(1 <= s.pixels * s.blocks <= isa.registers for s in step.tunable.candidates)

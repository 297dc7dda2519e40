"""What LiteRT computes by default, XNNPACK, against its own reference: in every tensor, and for every pair of codes."""

from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert.interpreter import OpResolverType
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.backends.litert.writer import write_operator, write_tflite
from pipeline.graph import xnnpack
from pipeline.graph.ir import IntegerGraph, Tensor
from pipeline.graph.reference import execute_all, execute_operator
from tests.backends.litert.kernels import all_tensors, run_once
from tests.backends.litert.networks import networks
from tests.graph.graphs import GraphBuilder, random_inputs

DEFAULT = OpResolverType.BUILTIN
pytestmark = pytest.mark.filterwarnings("ignore:.*experimental_preserve_all_tensors:UserWarning")


@settings(max_examples=60, deadline=None)
@given(networks(), st.integers(0, 1000), st.sampled_from(["operator", "kernel"]))
def test_any_graph_equals_the_xnnpack_reference_in_every_tensor(graph, seed, padding):
    inputs = random_inputs(graph, 2, seed)
    expected = execute_all(graph, inputs, "xnnpack")
    for name, codes in all_tensors(write_tflite(graph, padding=padding), graph, inputs, DEFAULT).items():
        np.testing.assert_array_equal(codes, expected[name], err_msg=name)


def addition(seed: int, ratios: tuple[float, float]) -> IntegerGraph:
    """The sum of two tensors whose scales are `ratios` times the result's."""
    builder = GraphBuilder(np.random.default_rng(seed))
    source = builder.add_input((16, 16, 2))
    graph = builder.build(builder.add(*(builder.conv(source, 256, relu6=False) for _ in range(2))))
    (*_, add) = graph.operators
    step = graph.tensors[add.output].scale
    for name, ratio in zip(add.inputs, ratios, strict=True):
        graph.tensors[name] = replace(graph.tensors[name], scale=float(np.float32(step * ratio)))
    return graph


# Below 2^-10 an input's step is lost in the result; above 2^8 it spans all codes, and LiteRT promises nothing.
RATIOS = [(0.7, 1.1), (1.0, 1.0), (0.002, 0.9), (3.3, 0.01), (250.0, 1.0), (0.5, 2.0**-10), (0.01, 2.0**-12)]


@pytest.mark.parametrize("ratios", RATIOS)
@pytest.mark.parametrize("seed", range(2))
def test_addition_equals_the_reference_for_every_pair_of_codes(seed, ratios):
    graph = addition(seed, ratios)
    add = graph.operators[-1]
    codes = np.arange(-128, 128, dtype=np.int8)
    pairs = [grid.reshape(1, 16, 16, 256) for grid in np.meshgrid(codes, codes)]
    expected = execute_operator(graph, add, pairs, "xnnpack")
    np.testing.assert_array_equal(run_once(write_operator(graph, add), pairs, DEFAULT), expected)


def test_a_ratio_below_its_least_is_not_xnnpacks():
    one, fine = Tensor("a", (1, 1, 1), 1.0, 0), Tensor("b", (1, 1, 1), 2.0**-11, 0)
    assert xnnpack.takes_addition(one, one, one) and not xnnpack.takes_addition(one, fine, one)


def test_no_other_reference_can_stand_for_it():
    added = addition(3, (0.7, 1.1))
    codes = np.arange(-128, 128, dtype=np.int8)
    pairs = [grid.reshape(1, 16, 16, 256) for grid in np.meshgrid(codes, codes)]
    builder = GraphBuilder(np.random.default_rng(0))
    pooled = builder.build(builder.pool(builder.add_input((2, 2, 256))))
    for graph, inputs in ((added, pairs), (pooled, [random_inputs(pooled, 4, 0)])):
        computed = {
            family: execute_operator(graph, graph.operators[-1], inputs, family) for family in ("xnnpack", "float")
        }
        difference = np.abs(computed["xnnpack"].astype(int) - computed["float"])
        assert difference.max() == 1

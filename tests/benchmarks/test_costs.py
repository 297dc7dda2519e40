import numpy as np
import pytest

from benchmarks.costs import Measured, error_table, kernel_costs, with_random_weights
from pipeline.backends.cortex_m.engine import Need
from pipeline.backends.cortex_m.skeleton import Variant, skeleton
from pipeline.graph.ir import IntegerGraph, Operator
from pipeline.runners import Latency, LayerCost
from pipeline.sweep.costs import FEATURES, Costs, features, kind

SHARES = {
    "convolution": (2.0, 30.0, 0.0, 0.0, 500.0),
    "pointwise": (1.5, 20.0, 1.0, 3.0, 900.0),
    "depthwise": (4.0, 10.0, 0.0, 7.0, 300.0),
    "fully-connected": (1.0, 25.0, 0.0, 0.0, 0.0),
    "addition": (0.0, 40.0, 0.0, 0.0, 90.0),
    "pooling": (0.0, 15.0, 5.0, 0.0, 0.0),
}
SECTIONS = {".text": 1000, ".rodata": 24, ".stack": 4096, ".bss": 8, ".app_bss": 980, ".weights": 9999, ".arena": 7777}
NEED = Need(arena=7777, variables=4, constants=9000)
GRAPHS = [
    skeleton(Variant(width, (side, side, 3), 2, 10)) for width, side in ((0.35, 32), (0.75, 96), (0.5, 160), (1.0, 64))
]


def counted(graph: IntegerGraph, factor: float = 1.0, together: int = 1) -> Measured:
    """What a board would count if an operator cost exactly its shares, times `factor`; so many make a layer."""

    def cost(operator: Operator) -> float:
        amounts = features(graph, operator, 16).values()
        return factor * sum(share * amount for share, amount in zip(SHARES[kind(operator)], amounts, strict=True))

    layers = [graph.operators[first : first + together] for first in range(0, len(graph.operators), together)]
    counts = tuple(LayerCost(layer[0].name, sum(map(cost, layer)), 0) for layer in layers)
    latency = Latency("instructions", "instructions", sum(layer.value for layer in counts), 1, "here", counts)
    return Measured(graph, [[one.name for one in layer] for layer in layers], latency, NEED, SECTIONS, {})


def test_the_fit_finds_shares_that_predict_what_they_made():
    costs = kernel_costs([counted(graph) for graph in GRAPHS[:3]], [counted(GRAPHS[3])], 16)
    assert abs(costs.held_out_error) < 0.001
    # Kinds that the networks have in many sizes have one answer.
    pointwise = costs.instructions["pointwise"]
    assert [pointwise[name] for name in FEATURES] == pytest.approx(SHARES["pointwise"], rel=0.01)


def test_operators_that_run_together_are_told_apart_by_their_sizes():
    fitted = [counted(graph, together=together) for graph in GRAPHS[:3] for together in (3, 4)]
    costs = kernel_costs(fitted, [counted(GRAPHS[3], together=5)], 16)
    assert abs(costs.held_out_error) < 0.01 and costs.lanes == 16


def test_the_largest_error_has_a_sign_and_what_the_network_does_not_need_is_the_firmwares():
    held_out = [counted(GRAPHS[3]), counted(GRAPHS[3], 1.25), counted(GRAPHS[3], 0.9)]
    costs = kernel_costs([counted(graph) for graph in GRAPHS[:3]], held_out, 16)
    assert costs.held_out_error == pytest.approx(-0.2, abs=0.001)
    assert (costs.code_bytes, costs.data_bytes, costs.stack_bytes) == (1024 + 999, 984 - (32 * 3 + 10), 4096)
    table = error_table(Costs(cores={"cortex-m4": {"portable": costs}}, fitted=("a",), held_out=("b",), tools={}))
    assert "| cortex-m4 | -20.0% |" in table


def test_random_weights_are_the_same_each_time_and_change_no_size():
    first, second = with_random_weights(GRAPHS[0]), with_random_weights(GRAPHS[0])
    assert first.sha256() == second.sha256() and first.tensors == GRAPHS[0].tensors
    weights = [operator.weight for operator in first.operators if hasattr(operator, "weight")]
    assert all(np.unique(weight).size > 9 for weight in weights)

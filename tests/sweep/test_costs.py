import json
from dataclasses import replace
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from pipeline.backends.cortex_m.skeleton import Variant, skeleton
from pipeline.errors import SixfoldError
from pipeline.graph import cost
from pipeline.graph.ir import IntegerGraph
from pipeline.sweep.costs import FEATURES, estimated_instructions, features, kernel_costs, kind, lanes, load_costs
from pipeline.targets import Kernels
from tests.imports import ROOT

VARIANT = Variant(0.5, (64, 64, 3), 2, 10)
GRAPH: IntegerGraph = skeleton(VARIANT)


def test_every_core_and_every_kernel_library_was_measured():
    cores = json.loads((ROOT / "firmware/cores.json").read_text())
    assert {core: set(libraries) for core, libraries in load_costs().cores.items()} == {
        core: set(get_args(Kernels)) for core in cores
    }


def test_the_fit_holds_on_networks_that_it_did_not_see():
    errors = [one.held_out_error for libraries in load_costs().cores.values() for one in libraries.values()]
    assert max(map(abs, errors)) < 0.1 and any(errors)


def test_features_are_the_operators_sizes():
    for operator in GRAPH.operators:
        found = features(GRAPH, operator, 1)
        height, _, channels = GRAPH.tensors[operator.output].shape
        assert tuple(found) == FEATURES and found["call"] == 1 and found["lines"] == height * channels
        assert found["macs"] == cost.operator_macs(GRAPH, operator)
        assert found["outputs"] == GRAPH.tensors[operator.output].size
        assert found["inputs"] == sum(GRAPH.tensors[name].size for name in operator.inputs)


def test_what_is_left_of_a_vector_costs_a_whole_one():
    stem, expansion = GRAPH.operators[0], GRAPH.operators[3]
    assert features(GRAPH, stem, 16)["macs"] == cost.operator_macs(GRAPH, stem) * 32 / 27
    assert features(GRAPH, expansion, 16)["macs"] == cost.operator_macs(GRAPH, expansion) * 2
    others = {**features(GRAPH, stem, 16), "macs": 0}
    assert others == {**features(GRAPH, stem, 1), "macs": 0}
    assert (lanes("mve", "streaming"), lanes("mve", "portable"), lanes("dsp", "cmsis-nn")) == (16, 1, 1)


STREAMING_ROWS = [
    (core, line)
    for line in (ROOT / "docs/benchmarks.md").read_text().splitlines()
    for core in load_costs().cores
    if line.startswith(f"| `mbv2-100-224` | {core} | streaming | ") and "qemu-system" in line
]


@pytest.mark.parametrize(("core", "row"), STREAMING_ROWS)
def test_streaming_costs_about_what_the_benchmarks_counted(core: str, row: str):
    """The paper's network, larger than all that the fit and its own check saw."""
    graph = skeleton(replace(VARIANT, width=1.0, image=(224, 224, 3), classes=1000))
    counted = int("".join(character for character in row.split("|")[5] if character.isdigit()))
    assert np.isclose(estimated_instructions(graph, kernel_costs(core, "streaming")), counted, rtol=0.08)


def test_the_benchmarks_have_streaming_on_every_core():
    assert len(STREAMING_ROWS) == 2 * len(load_costs().cores)


@pytest.mark.parametrize(("core", "kernels"), [(c, k) for c, ks in load_costs().cores.items() for k in ks])
def test_every_kind_of_operator_has_costs_and_more_work_costs_more(core: str, kernels: Kernels):
    costs = kernel_costs(core, kernels)
    assert set(costs.instructions) == {kind(operator) for operator in GRAPH.operators}
    assert all(set(one) == set(FEATURES) for one in costs.instructions.values())
    if kernels != "streaming":  # which averages while it computes the last convolution
        assert all(sum(one.values()) > 0 for one in costs.instructions.values())
    networks = [skeleton(Variant(width, (side, side, 3), 2, 10)) for width, side in ((0.35, 32), (0.5, 64), (1.0, 96))]
    estimates = [estimated_instructions(network, costs) for network in networks]
    assert all(before < after for before, after in pairwise(estimates))


def test_helium_needs_fewer_instructions_than_scalars():
    estimates = [estimated_instructions(GRAPH, kernel_costs(c, "cmsis-nn")) for c in ("cortex-m55", "cortex-m4")]
    assert estimates[0] * 2 < estimates[1]


def test_a_core_that_was_not_measured_is_named():
    with pytest.raises(SixfoldError, match=r"core cortex-m0, .*cortex-m4 \(cmsis-nn, portable, streaming\)"):
        kernel_costs("cortex-m0", "portable")


def test_the_digits_network_costs_what_the_emulator_counted():
    """Of the default experiment, on the board whose count the benchmarks table publishes."""
    graph = skeleton(Variant(0.35, (32, 32, 1), 1, 10))
    (row,) = [
        line
        for line in (ROOT / "docs/benchmarks.md").read_text().splitlines()
        if line.startswith("| `digits` | cortex-m4 | cmsis-nn | frame |")
    ]
    counted = int("".join(character for character in row.split("|")[5] if character.isdigit()))
    assert np.isclose(estimated_instructions(graph, kernel_costs("cortex-m4", "cmsis-nn")), counted, rtol=0.05)

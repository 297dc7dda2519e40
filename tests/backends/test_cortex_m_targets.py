"""Every Cortex-M target of ours, found in targets/: links, runs, agrees with the reference, repeats."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.backends.cortex_m import compile_graph
from pipeline.backends.cortex_m.machines import MACHINES
from pipeline.graph.reference import execute
from pipeline.runners.qemu_system import run_artefact
from pipeline.targets import Target, load_target, target_names
from tests.graph.graphs import random_inputs, small_mobilenet
from tests.imports import ROOT

TARGETS = [
    target
    for target in (load_target(name, ROOT / "targets") for name in target_names(ROOT / "targets"))
    if target.backend == "cortex-m"
]
GRAPH = small_mobilenet(1)


def test_every_machine_is_used_by_a_target() -> None:
    assert {target.runner.machine for target in TARGETS} == set(MACHINES)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_target_links_runs_and_repeats(target: Target, tmp_path: Path) -> None:
    compile_graph(GRAPH, target, tmp_path)
    inputs = random_inputs(GRAPH, 3, 1)
    first, second = (run_artefact(tmp_path, target, inputs) for _ in range(2))
    np.testing.assert_array_equal(first.outputs, execute(GRAPH, inputs, "fixed-point"))
    assert (first.latency, first.footprint) == (second.latency, second.footprint)
    assert sum(layer.value for layer in first.latency.layers) == pytest.approx(first.latency.value, rel=0.002)

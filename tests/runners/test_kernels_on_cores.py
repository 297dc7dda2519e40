"""Every kernel library on every emulated core: the vector code that no test on this computer runs."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.boards import BOARDS
from pipeline.backends.cortex_m import compile_graph
from pipeline.files import read_json
from pipeline.graph.ir import IntegerGraph, Padding
from pipeline.graph.reference import execute
from pipeline.runners.qemu_system import run_artefact
from tests.graph.graphs import GraphBuilder, random_inputs

pytestmark = pytest.mark.slow


def odd_shapes() -> IntegerGraph:
    """Extents and channels that divide by nothing, windows of every kind, padding on some sides only."""
    builder = GraphBuilder(np.random.default_rng(11))
    stem = builder.conv(builder.add_input((19, 17, 3)), 9, kernel=3, stride=2, padding=Padding(0, 1, 1, 0))
    wide = builder.depthwise(builder.conv(stem, 35), stride=1)
    joined = builder.add(stem, builder.conv(wide, 9, relu6=False))
    gathered = builder.depthwise(builder.conv(joined, 21), kernel=5, padding=Padding(2, 1, 2, 3))
    reduced = builder.depthwise(builder.conv(gathered, 133), stride=2, padding=Padding(1, 0, 0, 1))
    last = builder.conv(builder.conv(reduced, 6, kernel=2, stride=2, padding=Padding(1, 1, 0, 0)), 51)
    return builder.build(builder.fully_connected(builder.pool(last), 7))


@pytest.mark.parametrize("core", BOARDS)
def test_cmsis_nn_equals_the_reference(core: str, tmp_path: Path) -> None:
    graph = odd_shapes()
    target = BOARDS[core].target("cmsis-nn")
    compile_graph(graph, target, tmp_path)
    kernels = {layer["kernel"] for layer in read_json(tmp_path / "model.json")["layers"]}
    assert {"sixfold_cmsis_nn_convolve", "sixfold_cmsis_nn_convolve_1x1", "sixfold_cmsis_nn_fully_connected"} < kernels
    assert any("sixfold_cmsis_nn_depthwise" in kernel for kernel in kernels)
    inputs = random_inputs(graph, 3, 5)
    np.testing.assert_array_equal(run_artefact(tmp_path, target, inputs).outputs, execute(graph, inputs, "fixed-point"))

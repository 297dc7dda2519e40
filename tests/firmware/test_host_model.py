"""The whole generated model, built for this computer under sanitisers, against the fixed-point reference."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from pipeline.backends.cortex_m.compiler import generate_sources
from pipeline.backends.cortex_m.toolchain import Kernels, build_host
from pipeline.graph.ir import Add, IntegerGraph
from pipeline.graph.reference import execute
from tests.graph.graphs import GraphBuilder, random_graph, random_inputs, small_mobilenet


def run_host_model(graph: IntegerGraph, inputs: np.ndarray, folder: Path) -> np.ndarray:
    model, build = folder / "a model", folder / "build"  # a space: nobody's path is as tidy as ours
    model.mkdir()
    build.mkdir()
    generate_sources(graph, model)
    program = build_host(model, build, Kernels(), sanitize=True)
    done = subprocess.run([program], input=inputs.tobytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return np.frombuffer(done.stdout, np.int8).reshape(len(inputs), -1)


def residual_chain() -> IntegerGraph:
    """Additions whose operands die at different times, one of a tensor with itself."""
    builder = GraphBuilder(np.random.default_rng(3))
    first = builder.conv(builder.add_input((7, 5, 3)), 8, kernel=3)
    second = builder.conv(first, 8, relu6=False)
    third = builder.add(first, second)
    fourth = builder.add(builder.add(third, first), third)
    return builder.build(builder.fully_connected(builder.pool(builder.add(fourth, fourth)), 4))


@pytest.mark.parametrize("graph", [small_mobilenet(1), residual_chain()], ids=["mobilenet", "residuals"])
def test_the_host_build_equals_the_reference_bit_for_bit(graph: IntegerGraph, tmp_path: Path) -> None:
    inputs = random_inputs(graph, 12, 5)
    np.testing.assert_array_equal(run_host_model(graph, inputs, tmp_path), execute(graph, inputs, "fixed-point"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_random_models_equal_the_reference_bit_for_bit(seed: int, tmp_path: Path) -> None:
    graph = random_graph(seed)
    inputs = random_inputs(graph, 8, seed)
    np.testing.assert_array_equal(run_host_model(graph, inputs, tmp_path), execute(graph, inputs, "fixed-point"))


def test_a_sample_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    builder = GraphBuilder(np.random.default_rng(0))
    graph = builder.build(builder.fully_connected(builder.pool(builder.add_input((2, 2, 1))), 2))
    generate_sources(graph, tmp_path)
    (tmp_path / "build").mkdir()
    program = build_host(tmp_path, tmp_path / "build", Kernels(), sanitize=True)
    done = subprocess.run([program], input=b"\0" * 6, capture_output=True, check=False)
    assert done.returncode == 64
    assert done.stderr == b"error: the last sample has 2 bytes, the model takes 4\n"
    assert len(done.stdout) == 2


def test_residual_chain_has_what_it_is_for() -> None:
    assert sum(isinstance(operator, Add) for operator in residual_chain().operators) == 4

"""The runtime that people still have on their Raspberry Pis, in its own environment."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.backends.litert.writer import write_operator, write_tflite
from pipeline.graph.reference import execute, execute_all, execute_operator
from pipeline.tool_process import run_worker
from tests.graph.graphs import random_graph, random_inputs

pytestmark = pytest.mark.slow

WORKER = Path(__file__).with_name("tflite_runtime_worker.py")


def run(files):
    """Outputs by kernels, one list entry for each (content, inputs) of `files`."""
    arrays = {}
    for number, (content, inputs) in enumerate(files):
        arrays[str(number)] = np.frombuffer(content, np.uint8)
        arrays |= {f"{number} input {position}": codes for position, codes in enumerate(inputs)}
    _, found = run_worker("tflite-runtime", WORKER, {"files": len(files)}, arrays, time_limit_s=300)
    return {kernels: [found[f"{n} {kernels}"] for n in range(len(files))] for kernels in ("reference", "default")}


def test_its_reference_kernels_compute_the_same_codes():
    graph = random_graph(5)
    inputs = random_inputs(graph, 8, 0)
    files = [(write_tflite(graph, padding=padding), [inputs]) for padding in ("operator", "kernel")]
    for outputs in run(files)["reference"]:
        np.testing.assert_array_equal(outputs.reshape(8, -1), execute(graph, inputs, "fixed-point"))


def test_its_default_kernels_round_by_themselves_and_are_a_step_off_at_most():
    # They are neither XNNPACK nor the reference: a third rounding of the same exact accumulator.
    graph = random_graph(5)
    tensors = execute_all(graph, random_inputs(graph, 4, 0), "fixed-point")
    files = [(write_operator(graph, op), [tensors[name] for name in op.inputs]) for op in graph.operators]
    for operator, (_, inputs), outputs in zip(graph.operators, files, run(files)["default"], strict=True):
        expected = execute_operator(graph, operator, inputs, "fixed-point")
        assert np.abs(outputs.astype(int) - expected).max() <= 1, operator.name

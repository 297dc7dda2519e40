"""Guard zones: intact with right kernels and plans, and a wrong one is named."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.boards import BOARDS
from pipeline.backends.cortex_m import compile_graph, layer_by_layer
from pipeline.backends.cortex_m.compiler import generate_sources
from pipeline.backends.cortex_m.guards import GUARD_BYTES, guard_zones
from pipeline.backends.cortex_m.memory_plan import MemoryPlan, plan_memory
from pipeline.backends.cortex_m.portable import portable_kernel
from pipeline.backends.cortex_m.toolchain import Kernels, build_host
from pipeline.errors import SixfoldError
from pipeline.graph.ir import IntegerGraph
from pipeline.graph.reference import execute
from pipeline.runners.qemu_system import run_artefact
from tests.graph.graphs import random_graph, random_inputs, small_mobilenet

GRAPH = small_mobilenet(1)


def plan_of(graph: IntegerGraph, guard: int) -> MemoryPlan:
    return plan_memory(graph, {operator.name: portable_kernel(graph, operator) for operator in graph.operators}, guard)


def run_host(graph: IntegerGraph, inputs: np.ndarray, folder: Path) -> tuple[int, bytes, str]:
    generate_sources(graph, folder, guarded=True)
    (folder / "build").mkdir()
    # Without sanitisers: the guards have to notice by themselves.
    program = build_host(folder, folder / "build", Kernels(), sanitize=False)
    done = subprocess.run([program], input=inputs.tobytes(), capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.parametrize("seed", range(5))
def test_every_buffer_is_guarded_on_both_sides_while_it_lives(seed: int) -> None:
    graph = random_graph(seed)
    plan = plan_of(graph, GUARD_BYTES)
    zones = guard_zones(plan)
    for buffer in plan.buffers:
        begin, end = plan.offsets[buffer.name], plan.end(buffer)
        assert begin >= GUARD_BYTES and end + GUARD_BYTES <= plan.arena_bytes
        own = [zone for zone in zones if zone.buffer == buffer.name]
        assert all(zone.offset + zone.size in range(begin + 1) or zone.offset >= end for zone in own)
        # After the first layer (an output over an input is free of it only then) and before the last, all of it.
        for layer in range(buffer.first + 1, min(buffer.last, len(graph.operators))):
            assert sum(zone.size for zone in own if zone.first <= layer <= zone.last) == 2 * GUARD_BYTES
    # No zone is in a buffer that lives at the same time.
    for zone in zones:
        for buffer in plan.buffers:
            lives = buffer.first <= zone.last and zone.first <= buffer.last
            apart = zone.offset + zone.size <= plan.offsets[buffer.name] or zone.offset >= plan.end(buffer)
            assert apart or not lives, (zone, buffer)


def test_right_kernels_leave_the_guards_intact(tmp_path: Path) -> None:
    inputs = random_inputs(GRAPH, 4, 1)
    code, output, errors = run_host(GRAPH, inputs, tmp_path)
    assert (code, errors) == (0, "")
    np.testing.assert_array_equal(np.frombuffer(output, np.int8), execute(GRAPH, inputs, "fixed-point").ravel())


def too_many_rows(emit: Callable[..., dict[str, str]]) -> Callable[..., dict[str, str]]:
    """A kernel that writes two rows more than its output has: past the input too, which may lie over the output."""

    def changed(*arguments: Any) -> dict[str, str]:
        files = emit(*arguments)
        head, tail = files["model.c"].split("params_4 = {", 1)
        right, wrong = ".output = {8, 8, 48}", ".output = {10, 8, 48}"
        assert right in tail
        return files | {"model.c": head + "params_4 = {" + tail.replace(right, wrong, 1)}

    return changed


def test_a_kernel_that_writes_too_much_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_by_layer, "emit_model", too_many_rows(layer_by_layer.emit_model))
    code, _, errors = run_host(GRAPH, random_inputs(GRAPH, 1, 1), tmp_path)
    assert code == 65
    assert errors.startswith(f"error: layer {GRAPH.operators[4].name} wrote outside its buffers, beside ")


def test_a_plan_that_puts_two_live_buffers_together_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The block's input, which the addition still needs, and the expanded tensor that is made meanwhile.
    kept, expanded = GRAPH.operators[2].output, GRAPH.operators[3].output

    def wrong(*arguments: Any) -> MemoryPlan:
        plan = plan_memory(*arguments)
        beside = plan.offsets[expanded] + GRAPH.tensors[expanded].size - 16
        return replace(plan, offsets={**plan.offsets, kept: beside}, arena_bytes=plan.arena_bytes + 4096)

    monkeypatch.setattr(layer_by_layer, "plan_memory", wrong)
    code, _, errors = run_host(GRAPH, random_inputs(GRAPH, 1, 1), tmp_path)
    assert (code, errors) == (
        65,
        f"error: layer {GRAPH.operators[3].name} wrote outside its buffers, beside {kept}\n",
    )


@pytest.mark.slow
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_plan_and_kernels_are_proven_on_the_emulator(
    core: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = BOARDS[core].target("cmsis-nn")
    inputs = random_inputs(GRAPH, 3, 1)
    (tmp_path / "right").mkdir()
    compile_graph(GRAPH, target, tmp_path / "right", guarded=True)
    result = run_artefact(tmp_path / "right", target, inputs)
    np.testing.assert_array_equal(result.outputs, execute(GRAPH, inputs, "fixed-point"))
    if core == "cortex-m4":
        monkeypatch.setattr(layer_by_layer, "emit_model", too_many_rows(layer_by_layer.emit_model))
        (tmp_path / "wrong").mkdir()
        compile_graph(GRAPH, target, tmp_path / "wrong", guarded=True)
        with pytest.raises(SixfoldError, match=rf"error: layer {GRAPH.operators[4].name} wrote outside its buffers"):
            run_artefact(tmp_path / "wrong", target, inputs)

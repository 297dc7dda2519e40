"""Whole networks row by row: bit for bit the reference, every multiply-add once, nothing written beside its buffer."""

import itertools
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.boards import BOARDS
from pipeline.backends.cortex_m import compile_graph
from pipeline.backends.cortex_m.compiler import generate_sources
from pipeline.backends.cortex_m.engine import Program
from pipeline.backends.cortex_m.libraries import engine_for
from pipeline.backends.cortex_m.streaming import planner
from pipeline.backends.cortex_m.streaming.buffers import GroupBuffers
from pipeline.backends.cortex_m.toolchain import Kernels, build_host
from pipeline.files import read_json
from pipeline.graph.cost import macs
from pipeline.graph.ir import IntegerGraph
from pipeline.graph.reference import execute
from pipeline.runners.qemu_system import run_artefact
from pipeline.targets import InputMode, Optimize
from tests.firmware.peer import FIRMWARE, SANITIZERS, WARNINGS
from tests.graph.graphs import GraphBuilder, random_graph, random_inputs

MODES: tuple[InputMode, ...] = ("frame", "rows")


@dataclass(frozen=True)
class Built:
    """A program for this computer, and what it was made from."""

    path: Path
    program: Program

    def __call__(self, inputs: np.ndarray, *arguments: str) -> np.ndarray:
        """Codes of every sample."""
        done = subprocess.run([self.path, *arguments], input=inputs.tobytes(), capture_output=True, check=False)
        assert (done.returncode, done.stderr.decode()) == (0, "")
        return np.frombuffer(done.stdout, np.int8).reshape(len(inputs), -1)


def build(
    graph: IntegerGraph, folder: Path, given: InputMode = "frame", optimize: Optimize = "memory", guarded: bool = False
) -> Built:
    """Generate and compile; without sanitisers where the guards have to notice by themselves."""
    model, objects = folder / "model", folder / "build"
    model.mkdir()
    objects.mkdir()
    engine = engine_for("streaming", "none", given, optimize)
    program = generate_sources(graph, model, engine, guarded)
    return Built(build_host(model, objects, Kernels(engine.folder), sanitize=not guarded), program)


def odd_network() -> IntegerGraph:
    """Odd extents, blocks of stride 2 behind one another, residuals on either side, zero points of every kind."""
    builder = GraphBuilder(np.random.default_rng(8))
    source = builder.add_input((27, 35, 3))
    builder.tensors[source] = replace(builder.tensors[source], zero_point=-3)
    stem = builder.conv(source, 7, kernel=3, stride=1, relu6=False)
    name = builder.conv(builder.depthwise(stem), 5, relu6=False)
    for expanded, channels, stride, first in ((19, 5, 1, True), (24, 9, 2, True), (40, 9, 1, False), (41, 12, 2, True)):
        wide = builder.depthwise(builder.conv(name, expanded, relu6=expanded != 40), stride=stride)
        narrow = builder.conv(wide, channels, relu6=False)
        joined = (name, narrow) if first else (narrow, name)
        name = builder.add(*joined) if stride == 1 else narrow
    return builder.build(builder.fully_connected(builder.pool(builder.conv(name, 37)), 6))


def tiny_network() -> IntegerGraph:
    """One row, one column: every window is mostly padding."""
    builder = GraphBuilder(np.random.default_rng(9))
    stem = builder.conv(builder.add_input((2, 1, 1)), 3, kernel=3, stride=2)
    first = builder.conv(builder.depthwise(stem), 4, relu6=False)
    second = builder.conv(builder.depthwise(builder.conv(first, 8)), 4, relu6=False)
    third = builder.conv(builder.depthwise(builder.conv(builder.add(first, second), 8), stride=2), 4, relu6=False)
    return builder.build(builder.fully_connected(builder.pool(builder.conv(third, 5)), 2))


@pytest.mark.parametrize(
    ("make", "given"),
    [
        (odd_network, "frame"),
        (odd_network, "rows"),
        *(pytest.param(tiny_network, mode, marks=pytest.mark.slow) for mode in MODES),
    ],
)
def test_a_network_equals_the_reference_bit_for_bit(make, given: InputMode, tmp_path: Path) -> None:
    graph = make()
    inputs = random_inputs(graph, 3, 5)
    wanted = execute(graph, inputs, "fixed-point")
    run = build(graph, tmp_path, given)
    np.testing.assert_array_equal(run(inputs), wanted)
    if given == "frame":  # a model that takes whole frames can be given rows as well
        np.testing.assert_array_equal(run(inputs, "rows"), wanted)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_random_networks_equal_the_reference_bit_for_bit(seed: int, tmp_path: Path) -> None:
    graph = random_graph(seed)
    inputs = random_inputs(graph, 4, seed)
    run = build(graph, tmp_path, MODES[seed % 2], "speed" if seed % 3 == 0 else "memory")
    np.testing.assert_array_equal(run(inputs), execute(graph, inputs, "fixed-point"))


def cascade_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """All units in one group, whatever it takes."""
    monkeypatch.setattr(planner, "_least_peak", lambda count, cost: (cost(0, count), [(0, count)]))


def tile(monkeypatch: pytest.MonkeyPatch, everywhere: bool) -> None:
    """Every unit that can be tiled, or none, whatever it takes."""
    possible = planner.possible_cuts
    order = -1 if everywhere else 0
    monkeypatch.setattr(planner, "possible_cuts", lambda *arguments: [list(possible(*arguments))[order]])


@pytest.mark.slow
@pytest.mark.parametrize("given", MODES)
@pytest.mark.parametrize("tiled", [False, True])
def test_all_units_cascaded_are_the_same_with_guards_intact(
    given: InputMode, tiled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cascade_everything(monkeypatch)
    tile(monkeypatch, tiled)
    graph = odd_network()
    inputs = random_inputs(graph, 2, 3)
    run = build(graph, tmp_path, given, guarded=True)
    assert len(run.program.layers) == 2
    np.testing.assert_array_equal(run(inputs), execute(graph, inputs, "fixed-point"))


@pytest.mark.slow
@pytest.mark.parametrize("given", MODES)
def test_tiled_units_by_themselves_are_the_same(
    given: InputMode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        planner, "_least_peak", lambda count, cost: (cost(0, count), [(unit, unit + 1) for unit in range(count)])
    )
    tile(monkeypatch, True)
    graph = odd_network()
    inputs = random_inputs(graph, 3, 4)
    np.testing.assert_array_equal(build(graph, tmp_path, given)(inputs), execute(graph, inputs, "fixed-point"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "tiled"), [*itertools.product(["ring", "work", "kept", "row"], [False, True]), ("saved", True)]
)
def test_a_buffer_that_is_too_small_is_noticed(
    field: str, tiled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cascade_everything(monkeypatch)
    tile(monkeypatch, tiled)
    measured = planner.group_buffers

    def shortened(*arguments) -> GroupBuffers:
        group = measured(*arguments)
        units = tuple(replace(unit, **{field: getattr(unit, field) * 3 // 4}) for unit in group.units)
        rows = tuple(size * 3 // 4 for size in group.rows) if field == "row" else group.rows
        return replace(group, units=units, rows=rows)

    monkeypatch.setattr(planner, "group_buffers", shortened)
    graph = odd_network()
    run = build(graph, tmp_path, "rows", guarded=True)
    done = subprocess.run([run.path], input=random_inputs(graph, 1, 3).tobytes(), capture_output=True, check=False)
    assert done.returncode == 65
    layer = run.program.layers[0].name
    assert done.stderr.decode().startswith(f"error: layer {layer} wrote outside its buffers, beside ")


@pytest.mark.parametrize(("given", "cascaded"), [("frame", False), ("rows", True)])
def test_every_multiply_add_is_done_once(
    given: InputMode, cascaded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tile(monkeypatch, cascaded)
    if cascaded:
        cascade_everything(monkeypatch)
    graph = odd_network()
    engine = engine_for("streaming", "none", given)
    generate_sources(graph, tmp_path, engine)
    kernels = FIRMWARE / "kernels"
    sources = [
        path for folder in (engine.folder, "streaming/common", "portable") for path in (kernels / folder).glob("*.c")
    ]
    wrapped = ",".join(f"--wrap=sixfold_stream_{name}" for name in ("expand", "depthwise", "project", "classify"))
    program = tmp_path / "counting"
    own = [Path(__file__).with_name("streaming_counter.c"), tmp_path / "model.c", FIRMWARE / "apps/host.c"]
    options = [*WARNINGS, *SANITIZERS, f"-I{FIRMWARE / 'include'}", f"-I{tmp_path}", f"-Wl,{wrapped}"]
    subprocess.run(["gcc", *options, *own, *sorted(sources), "-o", program], check=True)
    inputs = random_inputs(graph, 2, 1)
    done = subprocess.run([program], input=inputs.tobytes(), capture_output=True, check=True)
    assert int(done.stderr) == len(inputs) * sum(macs(graph).values())


@pytest.mark.slow
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m33", "cortex-m55"])
def test_on_emulated_cores(core: str, tmp_path: Path) -> None:
    graph = odd_network()
    inputs = random_inputs(graph, 3, 7)
    for given, guarded in (("frame", True), ("rows", False)):
        target = BOARDS[core].target("streaming", given)
        folder = tmp_path / given
        folder.mkdir()
        compile_graph(graph, target, folder, guarded)
        result = run_artefact(folder, target, inputs)
        np.testing.assert_array_equal(result.outputs, execute(graph, inputs, "fixed-point"))
        assert read_json(folder / "model.json")["kernels"] == "streaming"
        layers = result.cost.layers
        # Each of the layers' readings is a whole tick; so is each row's that is pushed.
        rounding = graph.tensors[graph.input].shape[0] + 20 * len(layers)
        assert abs(sum(layer.value for layer in layers) - result.cost.value) < rounding

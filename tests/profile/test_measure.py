"""Profiles of emulated boards: every instruction of an inference is counted, once, and for the right layer."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.backends.cortex_m import compile_graph
from pipeline.backends.cortex_m.skeleton import Variant, skeleton
from pipeline.errors import SixfoldError
from pipeline.graph.cost import macs
from pipeline.graph.ir import Add, DepthwiseConv2D, FullyConnected, GlobalAveragePool
from pipeline.profile.measure import profile_artefact
from pipeline.profile.parts import find_parts
from pipeline.profile.program import read_symbols
from pipeline.runners.qemu_system import run_artefact
from pipeline.targets import InputMode, Kernels, Target, load_target
from tests.graph.graphs import random_inputs, small_mobilenet

GRAPH = small_mobilenet(1)
IMAGE = random_inputs(GRAPH, 1, 2)
KERNEL_OF = {
    DepthwiseConv2D: "sixfold_stream_depthwise",
    Add: "sixfold_stream_add",
    GlobalAveragePool: "sixfold_stream_sum",
    FullyConnected: "sixfold_stream_classify",
}
PRODUCTS = {"sixfold_stream_expand", "sixfold_stream_project"}
KERNELS = {*KERNEL_OF.values(), *PRODUCTS}
#: Instructions that time one layer beside its own: calls, and the parts of two readings of the timer.
TIMING = 100


def target(machine: str, kernels: Kernels, given: InputMode = "frame") -> Target:
    return load_target(machine).model_copy(update={"kernels": kernels, "input": given})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("machine", "kernels"),
    [("mps2-an385", "portable"), ("mps2-an386", "cmsis-nn"), ("mps3-an547", "cmsis-nn")],
)
def test_every_instruction_is_counted_once_and_for_its_layer(machine: str, kernels: Kernels, tmp_path: Path) -> None:
    board = target(machine, kernels)
    compile_graph(GRAPH, board, tmp_path)
    plain = run_artefact(tmp_path, board, IMAGE)
    profile = profile_artefact(tmp_path, board, GRAPH, IMAGE[0])
    # The board's own timer, in a run without the plugin.
    assert profile.instructions == plain.cost.value
    assert [(layer.name, layer.macs) for layer in profile.layers] == list(macs(GRAPH).items())
    for layer, timed in zip(profile.layers, plain.cost.layers, strict=True):
        assert layer.instructions <= timed.value <= layer.instructions + TIMING, layer.name
    for work in (*profile.layers, profile.runtime):
        assert work.instructions == sum(work.classes.values()) == sum(work.functions.values())
    # Nothing that any of the libraries executes is unknown.
    assert "other" not in profile.classes
    # Each weight is multiplied with each pixel: fewer products can only be those with padding.
    assert 0.8 * profile.macs < profile.products
    assert profile.runtime.instructions < 0.01 * profile.instructions
    assert profile == profile_artefact(tmp_path, board, GRAPH, IMAGE[0])


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "given"), [("mps2-an386", "frame"), ("mps3-an547", "rows")])
def test_units_that_take_turns_are_told_apart(machine: str, given: InputMode, tmp_path: Path) -> None:
    board = target(machine, "streaming", given)
    compile_graph(GRAPH, board, tmp_path)
    plain = run_artefact(tmp_path, board, IMAGE)
    profile = profile_artefact(tmp_path, board, GRAPH, IMAGE[0])
    # Each row that is pushed is timed by itself, to a tick.
    windows = IMAGE.shape[1] + 2 if given == "rows" else 0
    assert abs(profile.instructions - plain.cost.value) <= windows
    layers = {layer.name: layer for layer in profile.layers}
    assert [(layer.name, layer.macs) for layer in profile.layers] == list(macs(GRAPH).items())
    assert all(layer.instructions for layer in profile.layers)
    # The timer knows groups of units: what their layers take, and what the scheduler does for them.
    spent = 0
    for timed in plain.cost.layers:
        first, _, last = timed.name.partition(" to ")
        names = list(layers)
        together = sum(layers[name].instructions for name in names[names.index(first) : names.index(last) + 1])
        assert together <= timed.value + windows, timed.name
        spent += together
    assert spent + profile.runtime.instructions == profile.instructions
    # A kernel is of one kind of layer.
    for operator in GRAPH.operators:
        used = {name for name in layers[operator.name].functions if name in KERNELS}
        assert used == {KERNEL_OF[type(operator)]} if type(operator) in KERNEL_OF else used <= PRODUCTS, operator.name


@pytest.mark.slow
def test_a_damaged_or_foreign_program_is_named(tmp_path: Path) -> None:
    board = target("mps2-an386", "portable")
    compile_graph(GRAPH, board, tmp_path)
    symbols, other = read_symbols(tmp_path / "firmware.elf"), skeleton(Variant(0.35, (32, 32, 1), 1, 10))
    with pytest.raises(SixfoldError, match=f"layers, the model has {len(other.operators)}; build it again$"):
        find_parts(symbols, other, False, False)
    with pytest.raises(SixfoldError, match="has no table of units; build it again$"):
        find_parts(symbols, GRAPH, True, False)
    with pytest.raises(SixfoldError, match="was built from another model; build it again$"):
        profile_artefact(tmp_path, board, other, IMAGE[0])
    with pytest.raises(SixfoldError, match="takes int8 samples of shape"):
        profile_artefact(tmp_path, board, GRAPH, np.zeros((3, 3, 1), np.int8))
    (tmp_path / "firmware.elf").write_bytes(b"something else")
    with pytest.raises(SixfoldError, match="not the file that model.json describes"):
        profile_artefact(tmp_path, board, GRAPH, IMAGE[0])


def test_only_emulated_boards_have_profiles(tmp_path: Path) -> None:
    with pytest.raises(SixfoldError, match="target raspberry-pi-4: its runner is qemu-user; a profile needs"):
        profile_artefact(tmp_path, load_target("raspberry-pi-4"), GRAPH, IMAGE[0])

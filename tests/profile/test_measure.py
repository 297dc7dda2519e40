"""Profiles of emulated boards: every instruction of an inference is counted, once, and for the right layer."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.backends.cortex_m import compile_graph
from pipeline.errors import SixfoldError
from pipeline.graph.cost import macs
from pipeline.profile.measure import profile_artefact
from pipeline.profile.program import read_marks
from pipeline.runners.qemu_system import run_artefact
from pipeline.targets import Kernels, Target, load_target
from tests.graph.graphs import random_inputs, small_mobilenet

GRAPH = small_mobilenet(1)
IMAGE = random_inputs(GRAPH, 1, 2)
#: Instructions that time one layer beside its own: calls, and the parts of two readings of the timer.
TIMING = 100


def target(machine: str, kernels: Kernels) -> Target:
    return load_target(machine).model_copy(update={"kernels": kernels})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("machine", "kernels"),
    [("mps2-an385", "portable"), ("mps2-an386", "cmsis-nn"), ("mps2-an505", "cmsis-nn"), ("mps3-an547", "cmsis-nn")],
)
def test_every_instruction_is_counted_once_and_for_its_layer(machine: str, kernels: Kernels, tmp_path: Path) -> None:
    board = target(machine, kernels)
    compile_graph(GRAPH, board, tmp_path)
    plain = run_artefact(tmp_path, board, IMAGE)
    profile = profile_artefact(tmp_path, board, IMAGE[0])
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
    assert profile == profile_artefact(tmp_path, board, IMAGE[0])


@pytest.mark.slow
def test_a_damaged_or_foreign_program_is_named(tmp_path: Path) -> None:
    board = target("mps2-an386", "portable")
    compile_graph(GRAPH, board, tmp_path)
    with pytest.raises(SixfoldError, match="has functions of .* layers, the model has 99; build it again$"):
        read_marks(tmp_path / "firmware.elf", 99)
    with pytest.raises(SixfoldError, match="takes int8 samples of shape"):
        profile_artefact(tmp_path, board, np.zeros((3, 3, 1), np.int8))
    (tmp_path / "firmware.elf").write_bytes(b"something else")
    with pytest.raises(SixfoldError, match="not the file that model.json describes"):
        profile_artefact(tmp_path, board, IMAGE[0])


def test_only_emulated_boards_have_profiles(tmp_path: Path) -> None:
    with pytest.raises(SixfoldError, match="target raspberry-pi-4: its runner is qemu-user; a profile needs"):
        profile_artefact(tmp_path, load_target("raspberry-pi-4"), IMAGE[0])

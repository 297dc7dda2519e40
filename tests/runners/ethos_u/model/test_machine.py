"""The machine: addresses against a plain loop; whole networks through Vela against the reference (slow)."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.backends.ethos_u import compile_graph
from pipeline.backends.ethos_u.compiled_file import CompiledFile, read_compiled
from pipeline.backends.ethos_u.vela import run_vela
from pipeline.backends.litert.writer import write_tflite
from pipeline.errors import SixfoldError
from pipeline.graph.ir import IntegerGraph
from pipeline.graph.reference import execute
from pipeline.npu import NpuSpec
from pipeline.runners import load_runner
from pipeline.runners.ethos_u.model import Model
from pipeline.runners.ethos_u.model.command_stream import read_operations
from pipeline.runners.ethos_u.model.machine import feature_map_addresses
from pipeline.targets import load_target
from tests.graph.graphs import GraphBuilder, random_graph, random_inputs, small_mobilenet

ROOT = Path(__file__).parents[4]
TARGETS = ("ethos-u55-128", "ethos-u65-256")


@given(
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 40)),
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6)),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_addresses_in_tiles_and_bricks(shape: tuple[int, int, int], tile: tuple[int, int, int], bricks: bool) -> None:
    height0, height1, width0 = tile
    bases = [1000, 20_000, 40_000, 60_000]
    registers = {
        "ifm_precision": 0x41 if bricks else 0x01,
        "ifm_height0_m1": height0 - 1,
        "ifm_height1_m1": height1 - 1,
        "ifm_width0_m1": width0 - 1,
        "ifm_stride_y": 900,
        "ifm_stride_x": 50,
        "ifm_stride_c": 300,
        **{f"ifm_base{index}": base for index, base in enumerate(bases)},
    }
    found = feature_map_addresses(registers, "ifm", shape, 100_000)
    assert found.shape == shape
    for y, x, c in itertools.product(*map(range, shape)):
        right = x >= width0
        top = height1 if right else height0
        below = y >= top
        row, column = y - top * below, x - width0 * right
        offset = c // 16 * 300 + column * 16 + c % 16 if bricks else column * 50 + c
        assert found[y, x, c] == bases[right + 2 * below] + row * 900 + offset
    with pytest.raises(SixfoldError, match="ifm leads out of its region"):
        feature_map_addresses(registers, "ifm", shape, int(found.max()))


def compiled(graph: IntegerGraph, name: str, smallest: bool = False) -> CompiledFile:
    npu = load_target(name, ROOT / "targets").npu
    assert npu is not None
    return read_compiled(run_vela(write_tflite(graph), npu, None, smallest).content)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("seed", range(4))
def test_what_vela_compiles_equals_the_reference(seed: int, name: str) -> None:
    graph = random_graph(seed)
    inputs = random_inputs(graph, 12, seed)
    # The smallest plan cascades: layers work on a few rows at a time, in buffers that wrap.
    model = Model(compiled(graph, name, smallest=bool(seed % 2)))
    np.testing.assert_array_equal(model.execute(inputs), execute(graph, inputs, "fixed-point"))


@pytest.mark.slow
def test_every_average_of_two_by_two_rounds_as_the_reference_halves_included() -> None:
    builder = GraphBuilder(np.random.default_rng(0))
    source = builder.add_input((2, 2, 16))
    graph = builder.build(builder.pool(source))
    # Every sum of four codes, each spread as evenly as it goes over the window.
    sums = np.arange(-512, 512)
    windows = sums[:, np.newaxis] // 4 + (np.arange(4) < sums[:, np.newaxis] % 4)
    windows[windows > 127] = 127
    inputs = windows.astype(np.int8).reshape(-1, 16, 2, 2).transpose(0, 2, 3, 1)
    model = Model(compiled(graph, "ethos-u55-128"))
    np.testing.assert_array_equal(model.execute(inputs), execute(graph, inputs, "fixed-point"))


@pytest.mark.slow
def test_one_wrong_bias_shows_and_broken_weights_are_refused() -> None:
    graph = small_mobilenet(1)
    inputs = random_inputs(graph, 4, 1)
    file = compiled(graph, "ethos-u55-128")
    classifier = [op for op in read_operations(file.streams[0]) if op.name == "convolution"][-1].registers
    assert classifier["scale_region"] == classifier["weight_region"] == 0

    def with_other_byte(position: int) -> CompiledFile:
        constants = bytearray(file.constants)
        constants[position] ^= 0x55
        return dataclasses.replace(file, constants=bytes(constants))

    # The third byte of the first class's bias; the bias of a class moves that class alone.
    outputs = Model(with_other_byte(classifier["scale_base"] + 2)).execute(inputs)
    differs = outputs != execute(graph, inputs, "fixed-point")
    assert differs[:, 0].all() and not differs[:, 1:].any()
    with pytest.raises(SixfoldError, match="ethos-u-vela: decode_worker.py: |weights: "):
        Model(with_other_byte(classifier["weight_base"])).execute(inputs)


@pytest.mark.slow
def test_the_runner_gives_outputs_and_velas_estimate(tmp_path: Path) -> None:
    graph, target = small_mobilenet(2), load_target("ethos-u65-256", ROOT / "targets")
    compile_graph(graph, target, tmp_path)
    inputs = random_inputs(graph, 10, 2)
    result = load_runner(target).run_artefact(tmp_path, target, inputs)
    np.testing.assert_array_equal(result.outputs, execute(graph, inputs, "fixed-point"))
    assert (result.cost.kind, result.cost.unit) == ("estimated", "ms")
    assert sum(layer.value for layer in result.cost.layers) == pytest.approx(result.cost.value)
    assert result.details["npu"]["share"] == 1 and result.details["npu"]["on_cpu"] == []
    assert result.footprint.flash_bytes == (tmp_path / "model_vela.tflite").stat().st_size
    with pytest.raises(SixfoldError, match=r"model_vela\.tflite: takes "):
        load_runner(target).run_artefact(tmp_path, target, inputs[:, 1:])
    (tmp_path / "model_vela.tflite").write_bytes(b"")
    with pytest.raises(SixfoldError, match=r"model_vela\.tflite: the compiled file is damaged"):
        load_runner(target).run_artefact(tmp_path, target, inputs)


@pytest.mark.slow
def test_what_is_left_to_the_cpu_is_not_modelled() -> None:
    npu = NpuSpec(accelerator="ethos-u55-128", system_config="Ethos_U55_High_End_Embedded", memory_mode="Shared_Sram")
    content = run_vela(write_tflite(small_mobilenet(3)), npu, None, extra=["--ignore-ops", "ADD"]).content
    with pytest.raises(SixfoldError, match="left to the CPU"):
        Model(read_compiled(content))

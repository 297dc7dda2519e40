"""What would fit: networks without weights, compared with the real ones, and the advice made from them."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from benchmarks.costs import with_random_weights
from pipeline.backends.cortex_m.cmsis_nn import cmsis_nn
from pipeline.backends.cortex_m.compiler import compile_graph
from pipeline.backends.cortex_m.fit import explain_overflow
from pipeline.backends.cortex_m.kernel import Simd, load_core
from pipeline.backends.cortex_m.layer_by_layer import LayerByLayer
from pipeline.backends.cortex_m.libraries import MODES, PORTABLE_ENGINE, Mode, engine_for
from pipeline.backends.cortex_m.memory_map import memory_map
from pipeline.backends.cortex_m.memory_plan import MemoryPlan, plan_memory
from pipeline.backends.cortex_m.portable import PORTABLE
from pipeline.backends.cortex_m.skeleton import Variant, recognise, skeleton, smaller_variants
from pipeline.files import read_json
from pipeline.graph import cost
from pipeline.graph.ir import IntegerGraph
from pipeline.models.cost import cost as float_cost
from pipeline.models.mobilenet_v2 import Architecture, MobileNetV2
from pipeline.targets import load_target
from tests.graph.graphs import GraphBuilder, small_mobilenet

VARIANT = Variant(0.75, (64, 64, 3), 2, 10)
MEMORY = load_target("mps2-an386").memory


def plan_of(graph: IntegerGraph) -> MemoryPlan:
    return plan_memory(graph, {operator.name: PORTABLE.choose(graph, operator) for operator in graph.operators})


def explain(graph: IntegerGraph, **missing: int) -> str:
    assert MEMORY is not None
    return explain_overflow(missing, graph, plan_of(graph), MEMORY, PORTABLE_ENGINE, "none")


@pytest.mark.parametrize(
    "variant",
    [VARIANT, Variant(0.35, (96, 96, 3), 2, 10), Variant(0.5, (32, 32, 1), 1, 7), Variant(1.4, (32, 64, 3), 2, 1000)],
)
def test_a_skeleton_costs_what_the_network_does(variant: Variant) -> None:
    height, width, channels = variant.image
    model = MobileNetV2(Architecture(variant.width, variant.classes, channels, variant.stem_stride))
    expected, graph = float_cost(model, channels, height, width), skeleton(variant)
    assert list(cost.macs(graph).values()) != []
    assert [count for count in cost.macs(graph).values() if count] == [layer.macs for layer in expected.layers]
    assert sum(getattr(operator, "weight", np.empty(0)).size for operator in graph.operators) == expected.weights
    assert recognise(graph) == variant


def test_another_network_is_not_taken_for_one() -> None:
    graph = small_mobilenet(0)
    assert recognise(graph) is None
    assert explain(graph, SRAM=10**6).endswith("What would fit is not known: this is no MobileNetV2 of the paper")


def test_smaller_variants_change_one_thing_before_two() -> None:
    variants = smaller_variants(VARIANT)
    assert [variant.width for variant in variants[:2]] == [0.5, 0.35]
    assert variants[2] == replace(VARIANT, image=(32, 32, 3))
    assert {(variant.width, variant.image[0]) for variant in variants[3:]} == {(0.5, 32), (0.35, 32)}


def test_the_widest_that_fits_is_named_and_no_wider_one() -> None:
    graph = skeleton(VARIANT)
    arena = plan_of(graph).arena_bytes
    saved = arena - plan_of(skeleton(replace(VARIANT, width=0.5))).arena_bytes
    assert saved > 0
    peak = plan_of(graph).peak_operator
    text = explain(graph, SRAM=saved)
    assert text.startswith(f"sram (4194304 bytes) is {saved} bytes too small: the arena takes {arena}, its peak is ")
    assert f"layer {peak} with" in text
    assert ", or width 0.5 instead of 0.75, or images of 32x32 instead of 64x64" in text
    assert "width 0.5 instead" not in explain(graph, SRAM=saved + 1)


def test_a_lack_of_flash_is_answered_by_width_alone() -> None:
    graph = skeleton(VARIANT)
    assert re.search(r"By estimate it would fit with width 0\.5 instead of 0\.75$", explain(graph, FLASH=100_000))


def test_both_together_where_neither_is_enough() -> None:
    graph = skeleton(VARIANT)
    alone = min(plan_of(skeleton(v)).arena_bytes for v in smaller_variants(VARIANT)[:3])
    text = explain(graph, SRAM=plan_of(graph).arena_bytes - alone + 16)
    assert re.search(r"fit with .*width 0\.\d+ instead of 0\.75 and images of 32x32 instead of 64x64$", text)


def test_nothing_fits_a_board_without_memory() -> None:
    graph = skeleton(VARIANT)
    text = explain(graph, SRAM=plan_of(graph).arena_bytes)
    assert text.endswith("By estimate no kernels, width from 0.35 or resolution from 32 would make it fit")


def test_other_kernels_are_advised_where_they_need_less() -> None:
    graph, library = skeleton(replace(VARIANT, width=1.0)), cmsis_nn("dsp")
    plan = plan_memory(graph, {operator.name: library.choose(graph, operator) for operator in graph.operators})
    assert MEMORY is not None
    saved = plan.arena_bytes - plan_of(graph).arena_bytes
    assert saved > 0
    text = explain_overflow({"SRAM": saved}, graph, plan, MEMORY, LayerByLayer(library), "dsp")
    assert f"fit with kernels: portable ({plan_of(graph).arena_bytes} bytes of arena)" in text


def test_the_picture_has_every_buffer_in_its_place() -> None:
    builder = GraphBuilder(np.random.default_rng(0))
    wide = builder.conv(builder.conv(builder.add_input((6, 6, 3)), 8, kernel=3), 16)
    graph = builder.build(builder.pool(wide))
    name = '<conv & "more">'
    graph = replace(graph, operators=(replace(graph.operators[0], name=name), *graph.operators[1:]))
    plan = plan_of(graph)
    text = memory_map(plan)
    assert text == memory_map(plan)
    picture = ET.fromstring(text)
    tag = "{http://www.w3.org/2000/svg}"
    drawn = [rect for rect in picture.iter(f"{tag}rect") if "buffer" in rect.get("class", "")]
    assert len(drawn) == len(plan.buffers)
    top, bottom = 28.0, 388.0
    for rect, buffer in zip(drawn, plan.buffers, strict=True):
        y, height = float(rect.get("y", "")), float(rect.get("height", ""))
        assert top - 0.01 <= y <= y + height <= bottom + 0.01
        assert height == pytest.approx((bottom - top) * buffer.size / plan.arena_bytes, abs=0.01)
        offset = (bottom - top) * plan.offsets[buffer.name] / plan.arena_bytes
        assert bottom - y - height == pytest.approx(offset, abs=0.02)
        title = rect.find(f"{tag}title")
        assert title is not None and title.text is not None and f"{buffer.size} bytes at" in title.text
    assert any(element.text == name for element in picture.iter(f"{tag}text"))


@pytest.mark.parametrize("simd", get_args(Simd))
@pytest.mark.parametrize("mode", MODES)
def test_a_network_needs_the_same_with_weights_and_without(mode: Mode, simd: Simd) -> None:
    graph, engine = skeleton(VARIANT), engine_for(mode.kernels, simd, mode.input)
    assert engine.need(graph) == engine.need(with_random_weights(graph))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("board", "mode"),
    [
        ("mps2-an386", Mode("cmsis-nn")),
        ("mps2-an386", Mode("streaming", "rows")),
        ("mps3-an547", Mode("streaming")),
    ],
)
def test_the_linked_firmware_has_what_the_network_needs(board: str, mode: Mode, tmp_path: Path) -> None:
    target = load_target(board).model_copy(update=mode._asdict())
    graph = with_random_weights(skeleton(VARIANT))
    compile_graph(graph, target, tmp_path)
    need = engine_for(mode.kernels, load_core(target.core).simd, mode.input).need(graph)
    assert read_json(tmp_path / "memory.json")["ram_bytes"] == need.ram
    with (tmp_path / "serial.elf").open("rb") as stream:
        symbols = ELFFile(stream).get_section_by_name(".symtab")
        assert isinstance(symbols, SymbolTableSection)
        arrays = r"(packed|weights|bias|multipliers|shifts)_\d+"
        found = {one.name: one["st_size"] for one in symbols.iter_symbols() if re.fullmatch(arrays, one.name)}
    assert sum(found.values()) == need.constants

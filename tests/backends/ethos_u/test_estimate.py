"""Vela's report, parsed."""

from pathlib import Path

import pytest

from pipeline.backends.ethos_u.estimate import Estimate, in_terms_of, read_estimate
from pipeline.errors import SixfoldError
from pipeline.graph import cost
from tests.graph.graphs import small_mobilenet

SUMMARY = {
    "accelerator_configuration": "Ethos_U55_128",
    "system_config": "Ethos_U55_High_End_Embedded",
    "memory_mode": "Shared_Sram",
    "core_clock": "500000000.0",
    "cycles_total": "1000",
    "cycles_npu": "600.0",
    "sram_memory_used": "1.015625",
    "dram_memory_used": "0.0",
    "on_chip_flash_memory_used": "0.5",
    "off_chip_flash_memory_used": "2.0",
}
LAYERS = (
    "Original Operator,Target,Op Cycles,Name\n"
    "Conv2D,NPU,700,a\nConv2D,NPU,0,a\nConv2D,NPU,100,b\nAdd,CPU,0,c\nAvgPool,NPU,200,d\n"
)


def read(folder: Path, summary: dict[str, str], layers: str) -> Estimate:
    (folder / "summary.csv").write_text(",".join(summary) + "\n" + ",".join(summary.values()) + "\n")
    (folder / "layers.csv").write_text(layers)
    return read_estimate(folder / "summary.csv", folder / "layers.csv", "5.2.0", 4096)


def test_units_and_what_is_fused(tmp_path: Path) -> None:
    found = read(tmp_path, SUMMARY, LAYERS)
    assert (found.clock_hz, found.cycles, found.compute_cycles, found.ms) == (500_000_000, 1000, 600, 0.002)
    assert (found.sram_bytes, found.dram_bytes, found.flash_bytes) == (1040, 0, 2560)
    assert [(op.tensor, op.cycles, op.npu) for op in found.operators] == [
        ("a", 700, True),
        ("b", 100, True),
        ("c", 0, False),
        ("d", 200, True),
    ]
    assert sum(op.cycles for op in found.operators) == found.cycles
    assert [op.tensor for op in found.on_cpu] == ["c"] and found.npu_share == 0.75


def test_operators_get_the_graphs_names_and_multiply_adds(tmp_path: Path) -> None:
    graph = small_mobilenet(0)
    rows = "".join(f"Conv2D,NPU,1,{operator.output}\n" for operator in graph.operators)
    found = in_terms_of(graph, read(tmp_path, SUMMARY, LAYERS.partition("\n")[0] + "\n" + rows + "Pad,NPU,1,other\n"))
    assert {op.name: op.macs for op in found.operators} == {**cost.macs(graph), "other": 0}


@pytest.mark.parametrize("missing", ["cycles_total", "core_clock", "sram_memory_used"])
def test_another_format_is_named(tmp_path: Path, missing: str) -> None:
    summary = {name: value for name, value in SUMMARY.items() if name != missing}
    with pytest.raises(SixfoldError, match=rf"summary\.csv, layers\.csv: not what Vela 5 writes .*{missing}"):
        read(tmp_path, summary, LAYERS)
    with pytest.raises(SixfoldError, match="not what Vela 5 writes"):
        read(tmp_path, {**SUMMARY, missing: "many"}, LAYERS)
    with pytest.raises(SixfoldError, match="not what Vela 5 writes"):
        read_estimate(tmp_path / "none.csv", tmp_path / "layers.csv", "5.2.0", None)

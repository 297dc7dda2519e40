"""The tables of docs/ethos-u.md."""

from pathlib import Path

import pytest

from benchmarks.npu.results import (
    DOCS_FILE,
    TABLES,
    Cost,
    LimitRow,
    NpuResults,
    RoundingRow,
    TargetRow,
    VariantRow,
    targets_table,
    update_docs,
)
from pipeline.report.markdown import markers
from tests.imports import ROOT

COST = Cost(
    ms=1.23456,
    compute_ms=0.5,
    arena_bytes=2048,
    sram_bytes=1024,
    file_bytes=4096,
    npu_share=1,
    mismatched=0,
    compared=40,
)
UNKNOWN = COST.model_copy(update={"mismatched": None, "npu_share": 0.5})
RESULTS = NpuResults(
    vela="5.2.0",
    targets=(TargetRow(network="n", target="t", cost=COST), TargetRow(network="n", target="u", cost=UNKNOWN)),
    limits=tuple(LimitRow(network="n", target="t", limit=limit, cost=COST) for limit in (1000, None)),
    variants=(VariantRow(network="n", target="t", variant="a|b", cost=COST),),
    rounding=(RoundingRow(target="t", operation="pooling", rounding="up", operations=2),),
)


def test_the_page_has_every_table() -> None:
    text = (ROOT / DOCS_FILE).read_text()
    for name in TABLES:
        for marker in markers(name):
            assert text.count(marker) == 1


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_every_column(name: str) -> None:
    lines = TABLES[name](RESULTS).splitlines()
    assert len(lines) > 2 and len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_what_has_no_model_is_a_dash_not_a_zero(tmp_path: Path) -> None:
    known, unknown = targets_table(RESULTS).splitlines()[2:]
    assert known.endswith("| 100% | 0 of 40 |") and unknown.endswith("| 50% | \u2014 |")
    path = tmp_path / "page.md"
    path.write_text("".join(f"{begin}\nold\n{end}\n" for begin, end in map(markers, TABLES)))
    update_docs(RESULTS, path)
    assert "old" not in path.read_text() and "| `n` | `t` | 1.235 |" in path.read_text()

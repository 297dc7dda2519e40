from pathlib import Path

import pytest

from benchmarks.docs import DOCS_FILE, TABLES, boards_table, host_table, ratios_table, update_docs
from pipeline.errors import SixfoldError
from pipeline.report.markdown import markers
from tests.benchmarks.rows import results
from tests.imports import ROOT


def page(between: str) -> str:
    return "# Title\n\n" + "".join(
        f"before {name}\n{markers(name)[0]}\n{between}{markers(name)[1]}\nafter {name}\n" for name in TABLES
    )


def test_only_what_lies_between_the_markers_changes(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    path.write_text(page("old\n"))
    for _ in range(2):
        update_docs(results(), path)
        text = path.read_text()
        for name, table in TABLES.items():
            begin, end = markers(name)
            assert f"before {name}\n{begin}\n{table(results())}{end}\nafter {name}\n" in text
        assert "old" not in text


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("fault", ["missing", "doubled", "reversed"])
def test_damaged_markers_are_refused_and_nothing_is_written(name: str, fault: str, tmp_path: Path) -> None:
    begin, end = markers(name)
    damaged = {
        "missing": page("").replace(begin, ""),
        "doubled": page("") + end,
        "reversed": page("").replace(begin, "?").replace(end, begin).replace("?", end),
    }[fault]
    path = tmp_path / "benchmarks.md"
    path.write_text(damaged)
    with pytest.raises(SixfoldError, match=rf"benchmarks\.md: needs the lines {begin} and {end}"):
        update_docs(results(), path)
    assert path.read_text() == damaged


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_every_column(name: str) -> None:
    lines = TABLES[name](results()).splitlines()
    assert len(lines) == 4
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_counts_are_exact_and_grouped() -> None:
    row = boards_table(results(boards=1)).splitlines()[-1].replace("\u202f", " ")
    assert "| 2 000 000 | 0.500 | 3 000 | 200 | 50 000 | 6 000 | 0 |" in row


def test_ratios_are_those_to_cmsis_nn_on_the_same_core_and_network() -> None:
    ours, other = results().boards
    peer = ours.model_copy(update={"kernels": "cmsis-nn", "instructions": 5_000_000, "ram_bytes": 1500})
    table = ratios_table(results().model_copy(update={"boards": (ours, other, peer)})).splitlines()[2:]
    assert len(table) == 2
    assert table[0].endswith("| portable | frame | 2.50 | 0.50 | 1.00 | 1.00 | 1.00 |")
    assert table[1].endswith("| portable | frame |" + " \u2014 |" * 5)


def test_times_appear_as_ratios_only() -> None:
    openvino, onnxruntime = host_table(results()).splitlines()[2:]
    assert "| 1.50 | 150 | 7 of 80, at most 3 LSB | at most 1 LSB |" in openvino
    assert "| 0 of 80 | \u2014 |" in onnxruntime
    assert "1.23" not in host_table(results())


def test_our_own_page_has_the_markers_and_its_tables(tmp_path: Path) -> None:
    path = tmp_path / DOCS_FILE.name
    path.write_text((ROOT / DOCS_FILE).read_text())
    update_docs(results(), path)

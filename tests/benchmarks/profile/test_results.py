"""The tables of docs/profile.md."""

import json
from pathlib import Path

import pytest

from benchmarks.profile import __main__ as command
from benchmarks.profile.measure import cases, kind_of
from benchmarks.profile.results import DOCS_FILE, RESULTS_FILE, TABLES, KindWork, Results, Row, update_docs
from pipeline.report.markdown import markers
from tests.graph.graphs import small_mobilenet
from tests.imports import ROOT
from tests.profile.profiles import PROFILE

ROW = Row(
    network="mbv2-035-96",
    core="cortex-m4",
    kernels="cmsis-nn",
    input="frame",
    profile=PROFILE,
    kinds={"1x1 convolution": KindWork(instructions=3000, macs=5000), "addition": KindWork(instructions=700, macs=0)},
)
RESULTS = Results(rows=(ROW, ROW.model_copy(update={"network": "mbv2-100-224"})))


def plain(table: str) -> list[str]:
    return table.replace("\u202f", "").replace("\u00a0", "").splitlines()


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_every_column(name: str) -> None:
    lines = TABLES[name](RESULTS).splitlines()
    assert len({line.count("|") for line in lines}) == 1


def test_the_numbers_are_those_of_the_profile() -> None:
    inferences = plain(TABLES["inferences"](RESULTS))
    assert len(inferences) == 4
    assert inferences[2].startswith("| `mbv2-035-96` | cortex-m4 | cmsis-nn | frame | 5000 | 1.08 | 54% | 47% |")
    assert inferences[2].endswith("| 0.87 |")  # 4700 products, 5400 multiply-adds
    kinds = plain(TABLES["kinds"](RESULTS))[2]
    assert "| 3000, 0.60 a MAC | \u2014 | 700 |" in kinds
    # The small network alone, the worst layer first.
    worst = plain(TABLES["worst"](RESULTS))[2:]
    assert [line.split(" | ")[3] for line in worst] == ["stem", "add", "large"]


def test_every_operator_is_of_a_kind() -> None:
    kinds = [kind_of(operator) for operator in small_mobilenet(1).operators]
    assert kinds[0] == "first convolution" and kinds[-2:] == ["pooling", "classifier"]
    assert {"1x1 convolution", "depthwise", "addition"} == set(kinds[1:-2])


def test_our_own_page_has_the_markers(tmp_path: Path) -> None:
    path = tmp_path / DOCS_FILE.name
    path.write_text((ROOT / DOCS_FILE).read_text())
    update_docs(RESULTS, path)
    for name, table in TABLES.items():
        begin, end = markers(name)
        assert f"{begin}\n{table(RESULTS)}{end}" in path.read_text()


def test_a_part_leaves_the_page_and_nonsense_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / DOCS_FILE
    page.parent.mkdir()
    page.write_text((ROOT / DOCS_FILE).read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "measure_all", lambda chosen: [ROW] * len(chosen))
    assert run(monkeypatch, "mbv2-035-96") == 0
    assert page.read_text() == (ROOT / DOCS_FILE).read_text()
    assert "left as it is" in capsys.readouterr().err
    assert run(monkeypatch) == 0
    assert page.read_text() != (ROOT / DOCS_FILE).read_text()
    assert len(json.loads(RESULTS_FILE.read_text())["rows"]) == len(cases())
    assert run(monkeypatch, "digits") == 2
    assert "of mbv2-035-96, mbv2-100-224; not digits" in capsys.readouterr().err


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["profile", *arguments])
    try:
        command.main()
    except SystemExit as ended:
        assert isinstance(ended.code, int)
        return ended.code
    return 0

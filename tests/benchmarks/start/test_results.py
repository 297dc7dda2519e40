"""The tables of docs/start.md."""

from pathlib import Path

import pytest

from benchmarks.start import __main__ as command
from benchmarks.start.results import DOCS_FILE, LIMIT_S, CaseRow, Results, run_table, start_table, update_docs
from pipeline.report.markdown import markers
from tests.imports import ROOT


def row(command: str, kind: str, line: str, wall_s: float, cpu_s: float) -> CaseRow:
    return CaseRow(command=command, kind=kind, line=line, wall_s=wall_s, cpu_s=cpu_s)


RESULTS = Results(
    repeats=3,
    where="a computer",
    rows=(
        row("build", "help", "sixfold build --help", 0.11, 0.10),
        row("build", "work", "sixfold build one", 0.21, 0.20),
        row("build", "work", "sixfold build other", 0.32, 0.19),
        row("check", "help", "sixfold check --help", 0.12, 0.11),
    ),
)


def test_a_row_has_the_slowest_line_of_each_kind() -> None:
    table = start_table(RESULTS).splitlines()
    assert table[2:] == [
        "| `build` | 0.11 (0.10) | \u2014 | 0.32 (0.20) | \u2014 |",
        "| `check` | 0.12 (0.11) | \u2014 | \u2014 | \u2014 |",
    ]
    assert run_table(RESULTS).splitlines()[2] == "| a computer | 4 | 3 | `sixfold build other`: 0.32 |"


def test_our_own_page_has_the_markers(tmp_path: Path) -> None:
    path = tmp_path / DOCS_FILE.name
    path.write_text((ROOT / DOCS_FILE).read_text())
    update_docs(RESULTS, path)
    for name, table in (("start", start_table(RESULTS)), ("start-run", run_table(RESULTS))):
        begin, end = markers(name)
        assert f"{begin}\n{table}{end}" in path.read_text()


@pytest.mark.parametrize(("slowest", "code"), [(LIMIT_S - 0.01, 0), (LIMIT_S, 1)])
def test_a_slow_start_fails_and_a_look_leaves_the_page(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    slowest: float,
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    slow = RESULTS.model_copy(update={"rows": (row("check", "work", "sixfold check", slowest, 0.3),)})
    monkeypatch.setattr(command, "measure_all", lambda repeats, tell: slow)
    monkeypatch.setattr("sys.argv", ["start", "2"])
    ended = 0
    try:
        command.main()
    except SystemExit as end:
        ended = int(end.code or 0)
    assert ended == code
    assert Results.model_validate_json((tmp_path / "reports/start.json").read_text()) == slow
    assert not (tmp_path / DOCS_FILE).exists()
    assert ("sixfold check: 0.50 s" in capsys.readouterr().err) == bool(code)

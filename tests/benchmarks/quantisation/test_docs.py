import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.quantisation import cli, suite
from benchmarks.quantisation.docs import DOCS_FILE, PICTURE, TABLES, comparison_table, update_docs
from benchmarks.quantisation.results import RESULTS_FILE, read_results, write_results
from tests.benchmarks.quantisation.made_up import problem, results
from tests.imports import ROOT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with our own page only."""
    (tmp_path / DOCS_FILE).parent.mkdir()
    (tmp_path / DOCS_FILE).write_text((ROOT / DOCS_FILE).read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["quantisation", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_every_column(name: str) -> None:
    lines = [line for line in TABLES[name](results()).splitlines() if line.startswith("|")]
    assert len(lines) >= 3
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_what_could_not_be_run_is_named_with_its_reason() -> None:
    assert "| PPQ | not run: no network | \u2014 |" in comparison_table(results())


def test_the_page_and_its_picture_are_made_from_the_results(folder: Path) -> None:
    update_docs(results())
    text, picture = DOCS_FILE.read_text(), (folder / "docs" / PICTURE).read_text()
    assert comparison_table(results()) in text
    assert f"]({PICTURE})" in text
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert ">26.0<" in picture
    update_docs(results())
    assert (DOCS_FILE.read_text(), (folder / "docs" / PICTURE).read_text()) == (text, picture)


def test_a_part_that_was_left_out_says_so(folder: Path) -> None:
    update_docs(results().model_copy(update={"rows": results().rows[:2]}))
    text = DOCS_FILE.read_text()
    assert "Not measured in the run that made this page; `--ablation` does." in text
    assert "`--curve` does." in text and PICTURE not in text
    assert not (folder / "docs" / PICTURE).exists()


def test_results_are_read_as_written(folder: Path) -> None:
    write_results(results())
    assert read_results() == results()


@pytest.mark.parametrize("complete", [False, True])
def test_only_a_complete_run_makes_the_page_again(
    folder: Path, complete: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.quantisation.problem.imagenet_problem", lambda _folder: problem(1, 1))
    monkeypatch.setattr(suite, "run", lambda *_: results())
    before = DOCS_FILE.read_text()
    parts = ("--ablation", "--curve") if complete else ("--ablation",)
    assert command(monkeypatch, "--data", "photos", *parts) == 0
    assert len(json.loads(RESULTS_FILE.read_text())["rows"]) == 6
    assert (DOCS_FILE.read_text() != before) == complete
    assert ("left as it is" in capsys.readouterr().err) != complete
    DOCS_FILE.write_text(before)
    assert command(monkeypatch, "--docs-only") == 0
    assert DOCS_FILE.read_text() != before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--data FOLDER: missing"),
        (["--docs-only"], "reports/quantisation.json: not found"),
        (["--docs-only", "--curve"], "--docs-only: measures nothing"),
        (["--data", "nowhere"], "nowhere/calibration: no such folder"),
    ],
)
def test_wrong_usage_is_one_line(
    folder: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(monkeypatch, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (folder / RESULTS_FILE).exists()

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cli, suite
from benchmarks.docs import DOCS_FILE
from benchmarks.results import RESULTS_FILE, Results, write_results
from tests.benchmarks.rows import results
from tests.imports import ROOT


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command in a folder with the page only; returns the exit code."""
    (tmp_path / DOCS_FILE).parent.mkdir()
    (tmp_path / DOCS_FILE).write_text((ROOT / DOCS_FILE).read_text())
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, problems: tuple[str, ...] = ()) -> int:
        def run(_plan: Any, _say: Any) -> tuple[Results, tuple[str, ...]]:
            return results(), problems

        monkeypatch.setattr(suite, "run", run)
        monkeypatch.setattr("sys.argv", ["benchmarks", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return call


def rewritten() -> bool:
    return DOCS_FILE.read_text() != (ROOT / DOCS_FILE).read_text()


def test_a_complete_run_writes_results_and_page(command: Any) -> None:
    assert command() == 0
    assert len(json.loads(RESULTS_FILE.read_text())["boards"]) == 2
    assert rewritten()


def test_a_part_writes_results_and_leaves_the_page(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--no-host") == 0
    assert RESULTS_FILE.is_file() and not rewritten()
    assert "left as it is" in capsys.readouterr().err


def test_a_failed_row_writes_the_others_and_leaves_the_page(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(problems=("one",)) == 1
    assert RESULTS_FILE.is_file() and not rewritten()
    assert "failed: 1 " in capsys.readouterr().err


def test_tables_are_made_again_from_the_file(command: Any) -> None:
    write_results(results())
    assert command("--docs-only") == 0
    assert rewritten()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--docs-only"], "reports/bench.json: not found; run `make bench`"),
        (["--docs-only", "--no-host"], "--docs-only: measures nothing"),
        (["--network", "x"], "--network x: there is no such network; there are digits, mbv2-035-96, mbv2-100-224"),
    ],
)
def test_wrong_usage_is_one_line(
    arguments: list[str], message: str, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*arguments) == 2
    assert message in capsys.readouterr().err
    assert not rewritten()


def test_the_list_names_the_rows(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--list", "--core", "cortex-m4", "--no-host") == 0
    assert capsys.readouterr().out.splitlines() == [
        "digits cortex-m4 portable frame",
        "digits cortex-m4 cmsis-nn frame",
        "digits cortex-m4 streaming frame",
        "digits cortex-m4 streaming rows",
        "mbv2-035-96 cortex-m4 portable frame",
        "mbv2-035-96 cortex-m4 cmsis-nn frame",
        "mbv2-035-96 cortex-m4 streaming frame",
        "mbv2-035-96 cortex-m4 streaming rows",
        "mbv2-100-224 cortex-m4 portable frame",
        "mbv2-100-224 cortex-m4 cmsis-nn frame",
        "mbv2-100-224 cortex-m4 streaming frame",
        "mbv2-100-224 cortex-m4 streaming rows",
    ]
    assert not RESULTS_FILE.exists()

import shutil
from pathlib import Path

import pytest

from pipeline.report import site
from pipeline.stages import report
from tests.report.repository import target_report, write


def test_the_stage_writes_the_page_and_prints_a_plain_table(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {"passed": False, "violations": ["sram use is 300000 bytes, the budget is 262144"]}
    write(repository / "reports/mps2-an386.json", target_report("mps2-an386", budget=failed))
    report.main()
    printed = capsys.readouterr().out
    assert (repository / site.PAGE).read_text().startswith("<!DOCTYPE html>")
    assert "\x1b" not in printed
    (line,) = [line for line in printed.splitlines() if line.lstrip().startswith("mps2-an386  ")]
    assert "failed" in line and "54\u202f321\u202f987" in line
    assert "mps2-an386: sram use is 300000 bytes" in printed


def test_only_enabled_targets_unless_all_are_wanted(repository: Path) -> None:
    extra = (repository / "targets/host-openvino.yaml").read_text().replace("host-openvino", "spare")
    (repository / "targets/spare.yaml").write_text(extra)
    names = {every: {found.target.name for found in report.write_report(every).targets} for every in (False, True)}
    assert "spare" in names[True] - names[False]


def test_a_damaged_report_ends_with_code_2_and_keeps_the_last_page(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report.main()
    before = (repository / site.PAGE).read_bytes()
    (repository / "reports/mps2-an386.json").write_text("{")
    with pytest.raises(SystemExit) as ended:
        report.main()
    assert ended.value.code == 2 and capsys.readouterr().err.count("\n") == 1
    assert (repository / site.PAGE).read_bytes() == before


def test_without_params_it_says_so(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(repository / "targets")
    (repository / "params.yaml").unlink()
    with pytest.raises(SystemExit) as ended:
        report.main()
    assert ended.value.code == 2 and "params.yaml: not found" in capsys.readouterr().err

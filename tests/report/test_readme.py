from pathlib import Path

import pytest

from pipeline.errors import SixfoldError
from pipeline.report.inputs import load_inputs
from pipeline.report.markdown import markers
from pipeline.report.readme import targets_table, update_readme
from tests.report.repository import ROOT, TARGETS

BEGIN, END = markers("targets")


def test_only_what_lies_between_the_markers_changes(repository: Path) -> None:
    path = repository / "README.md"
    path.write_text(f"# Title\n\n{BEGIN}\nold\n{END}\n\nafter\n")
    inputs = load_inputs(TARGETS)
    update_readme(path, inputs)
    assert path.read_text() == f"# Title\n\n{BEGIN}\n{targets_table(inputs)}{END}\n\nafter\n"
    update_readme(path, inputs)
    assert path.read_text().count(BEGIN) == 1


def test_each_row_has_every_column_and_unverified_ones_are_dashes(repository: Path) -> None:
    (repository / "reports/host-openvino.json").unlink()
    rows = targets_table(load_inputs(TARGETS)).splitlines()
    assert len(rows) == 2 + len(TARGETS) and len({row.count("|") for row in rows}) == 1
    assert rows[3].count("\u2014") == 6


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_missing_or_doubled_markers_are_refused(repository: Path, text: str) -> None:
    path = repository / "README.md"
    path.write_text(text)
    with pytest.raises(SixfoldError, match=r"README\.md: needs the lines"):
        update_readme(path, load_inputs([]))
    assert path.read_text() == text


def test_our_own_readme_has_the_markers() -> None:
    text = (ROOT / "README.md").read_text()
    assert text.count(BEGIN) == text.count(END) == 1 and text.index(BEGIN) < text.index(END)

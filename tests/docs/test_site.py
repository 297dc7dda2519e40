"""The documentation's site: built from the pages, with generated ones that are current."""

import subprocess
import sys

import pytest

from pipeline.target_reference import PAGE, target_reference
from pipeline.targets import Target
from tests.imports import ROOT


def test_the_reference_of_target_files_is_current():
    assert (ROOT / PAGE).read_text(encoding="utf-8") == target_reference(), "run `make docs`"


def test_every_field_of_a_target_file_is_in_the_reference_and_says_what_it_is():
    rows = [line for line in target_reference().splitlines() if line.startswith("| `")]
    described = {row.split("|")[1].strip().strip("`"): row.split("|")[-2].strip() for row in rows}
    assert set(Target.model_fields) <= set(described)
    assert all(described[name] for name in Target.model_fields if name not in ("gate", "openvino", "tflite"))
    assert any("64KiB" in row for row in rows if row.startswith("| `size`"))


@pytest.mark.slow
def test_the_site_has_every_page_and_asks_nobody(tmp_path):
    """Built strictly: a link to a page or heading that is not there fails."""
    done = subprocess.run(
        [sys.executable, "scripts/make_docs.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    site = ROOT / "build/docs"
    for page in (ROOT / "docs").glob("*.md"):
        text = (site / f"{page.stem}.html").read_text(encoding="utf-8")
        assert "https://fonts." not in text
        assert 'src="http' not in text and 'rel="stylesheet" href="http' not in text


def test_every_page_is_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    missing = [page.name for page in sorted((ROOT / "docs").glob("*.md")) if f"- {page.name}\n" not in text]
    assert missing == []

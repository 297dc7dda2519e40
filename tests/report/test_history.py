import hashlib
import json
import subprocess
from pathlib import Path

import pytest
import yaml

from pipeline.report.history import Commit, Recorded, read_history
from pipeline.report.history_charts import HEIGHT, charts
from pipeline.report.inputs import Accuracy, Latency, MemoryUse, load_inputs
from pipeline.report.page import render_history
from tests.report.repository import TARGETS, target_report, write
from tests.report.test_page import words


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=A. Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def commit(message: str) -> str:
    git("add", "-A")
    git("commit", "-q", "-m", message)
    return git("rev-parse", "--short", "HEAD")


def instructions(value: float) -> dict:
    return {**target_report("mps2-an386")["latency"], "value": value}


@pytest.fixture
def versioned(repository: Path) -> Path:
    git("init", "-q")
    (repository / ".gitignore").write_text("/reports/\n/data/\n/site/\n/.dvc/\n")
    commit("Nothing measured")
    return repository


def test_baselines_of_earlier_commits_come_first_and_the_results_of_now_last(versioned: Path):
    names = []
    for value in (100.0, 90.0):
        write(versioned / "baselines/mps2-an386.json", target_report("mps2-an386", latency=instructions(value)))
        names.append(commit(f"Now {value:.0f} <instructions>"))
    (versioned / "notes.txt").write_text("no result")
    commit("Something else")
    history = read_history(load_inputs(["mps2-an386"]))
    assert [one.name for one in history] == [*names, ""]
    assert [one.targets["mps2-an386"].latency.value for one in history] == [100.0, 90.0, 54321987.0]
    assert history[0].subject == "Now 100 <instructions>"
    html = render_history(history, "digits")
    assert "<instructions>" not in html and "Now 90 <instructions>" in words(html)
    assert "54 321 987 instructions" in words(html)


def test_without_baselines_the_reports_that_dvc_kept_are_read(versioned: Path):
    content = json.dumps(target_report("mps2-an386", latency=instructions(77.0))).encode()
    md5 = hashlib.md5(content).hexdigest()
    stage = {"outs": [{"path": "reports/mps2-an386.json", "md5": md5}]}
    (versioned / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"verify@mps2-an386": stage}}))
    commit("Lock")
    assert len(read_history(load_inputs(["mps2-an386"]))) == 1, "nothing was kept"
    kept = versioned / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content)
    first, _ = read_history(load_inputs(["mps2-an386"]))
    assert first.targets["mps2-an386"].latency.value == 77.0


@pytest.mark.parametrize("damage", ["[]", "{", '{"latency": {"kind": "felt"}}', '{"latency": {"value": NaN}}'])
def test_a_damaged_file_of_the_past_is_passed_over(versioned: Path, damage: str):
    (versioned / "baselines").mkdir()
    (versioned / "baselines/mps2-an386.json").write_text(damage)
    (versioned / "dvc.lock").write_text("<<<<<<< ours\n")
    commit("Damaged")
    assert [one.name for one in read_history(load_inputs(["mps2-an386"]))] == [""]


def test_outside_a_git_repository_there_is_only_now(repository: Path):
    (now,) = read_history(load_inputs(TARGETS))
    assert now.name == "" and set(now.targets) == set(TARGETS)


def recorded(value: float | None, kind: str = "instructions", accuracy: float | None = None) -> Recorded:
    latency = Latency.model_validate({"kind": kind, "unit": "ms" if kind == "measured" else kind, "value": value})
    return Recorded(Accuracy(int8=accuracy), latency, MemoryUse(ram_bytes=2048))


def test_a_chart_spans_its_values_and_does_not_join_what_must_not_be_compared():
    values = [recorded(10.0), recorded(30.0), recorded(20.0), recorded(0.1, "measured"), recorded(0.3, "measured")]
    commits = [Commit(f"c{index}", "2026-01-01", "", {"t": value}) for index, value in enumerate(values)]
    latency, ram = charts(commits, "t")
    assert len(latency.lines) == 2 and len(ram.lines) == 1
    heights = [step.y for step in latency.steps]
    assert heights[0] == heights[3] > heights[2] == HEIGHT / 2 > heights[1] == heights[4]
    assert [step.x for step in latency.steps] == sorted({step.x for step in latency.steps})
    assert ram.words == "2\u00a0KiB in each of 5 results" and ram.steps[0].y == HEIGHT / 2
    assert latency.words == "from 10\u00a0instructions to 0.3\u00a0ms, measured, 4 of 4 steps changed it"


def test_commits_that_do_not_know_a_value_are_left_out():
    commits = [
        Commit("a", "", "", {"t": recorded(None)}),
        Commit("b", "", "", {}),
        Commit("c", "", "", {"t": recorded(5.0)}),
    ]
    latency, ram = charts(commits, "t")
    assert [step.commit.name for step in latency.steps] == ["c"] and len(ram.steps) == 2
    assert charts(commits, "another") == []

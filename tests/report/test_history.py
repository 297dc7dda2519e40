import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from pipeline.gate.baseline import Baseline
from pipeline.predictions import Predictions
from pipeline.report.history import Commit, Recorded, _known, read_history
from pipeline.report.history_charts import HEIGHT, charts
from pipeline.report.inputs import load_inputs
from pipeline.report.page import render_history
from pipeline.report.schema import Accuracy, Latency, MemoryUse
from tests.report.repository import ROOT, TARGETS, target_report, write
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


def baseline(value: float | None, wrong: int = 0, **memory: int) -> dict:
    """A baseline as `sixfold check --update` writes it: of three images, of which `wrong` were mistaken."""
    committed = json.loads((ROOT / "baselines/mps2-an386.json").read_text())
    labels = np.array([0, 1, 2])
    predictions = Predictions("5f" * 32, 3, np.arange(3), np.where(labels < wrong, 3, labels), labels)
    committed["predictions"] = predictions.record().model_dump(mode="json")
    committed["cost"] = None if value is None else {**committed["cost"], "value": value}
    committed["memory"] = memory
    return Baseline.model_validate(committed).model_dump(mode="json")


def test_baselines_of_earlier_commits_come_first_and_the_results_of_now_last(versioned: Path):
    names = []
    for value, wrong in ((100.0, 0), (90.0, 1)):
        write(versioned / "baselines/mps2-an386.json", baseline(value, wrong, ram=2048, flash=4096))
        names.append(commit(f"Now {value:.0f} <instructions>"))
    (versioned / "notes.txt").write_text("no result")
    commit("Something else")
    history = read_history(load_inputs(["mps2-an386"]))
    assert [one.name for one in history] == [*names, ""]
    known = [one.targets["mps2-an386"] for one in history]
    assert [one.latency.value for one in known] == [100.0, 90.0, 54321987.0]
    assert [one.latency.unit for one in known] == ["instructions"] * 3
    assert [one.accuracy.int8 for one in known] == [1.0, 2 / 3, 0.975]
    assert [(one.memory.ram_bytes, one.memory.flash_bytes) for one in known[:2]] == [(2048, 4096)] * 2
    assert history[0].subject == "Now 100 <instructions>"
    html = render_history(history, "digits")
    assert "<instructions>" not in html and "Now 90 <instructions>" in words(html)
    assert "54 321 987 instructions" in words(html) and len(charts(history, "mps2-an386")) == 4


def test_a_baseline_without_cost_or_memory_has_its_accuracy(versioned: Path):
    write(versioned / "baselines/mps2-an386.json", baseline(None))
    commit("A host")
    first, _ = read_history(load_inputs(["mps2-an386"]))
    found = first.targets["mps2-an386"]
    assert found.accuracy.int8 == 1.0 and found.latency.value is None and found.memory.ram_bytes is None


def test_the_committed_baselines_are_read():
    """Those of this repository, by the schema that the gate writes today."""
    for path in sorted((ROOT / "baselines").glob("*.json")):
        read = _known(path.read_bytes(), path.stem)
        assert read is not None and read.accuracy.int8 is not None, path


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


@pytest.mark.parametrize(
    "damage",
    [
        "[]",
        "{",
        '{"cost": 3}',
        '{"cost": null, "memory": {}, "predictions": {}}',
        '{"latency": {"kind": "felt"}}',
        '{"latency": {"value": NaN}}',
    ],
)
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

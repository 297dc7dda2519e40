"""dvc.yaml against the code: what a stage imports is what DVC watches."""

import importlib
import subprocess
from pathlib import Path

import pytest
import yaml

from pipeline.params import load_params
from pipeline.paths import board_report, target_profile, target_report
from tests.imports import ROOT, import_closure

#: Modules that cannot change a result, only how a failure reads or where a file lies: none of them reruns a stage.
PLUMBING = {
    Path("pipeline/__init__.py"),
    Path("pipeline/backends/__init__.py"),
    Path("pipeline/boards.py"),
    Path("pipeline/cache.py"),
    Path("pipeline/data/__init__.py"),
    Path("pipeline/errors.py"),
    Path("pipeline/files.py"),
    Path("pipeline/memories.py"),
    Path("pipeline/models/__init__.py"),
    Path("pipeline/npu.py"),
    Path("pipeline/params.py"),
    Path("pipeline/paths.py"),
    Path("pipeline/pins.py"),
    Path("pipeline/pip.py"),
    Path("pipeline/programs.py"),
    Path("pipeline/progress.py"),
    Path("pipeline/stages/__init__.py"),
    Path("pipeline/sizes.py"),
    Path("pipeline/targets.py"),
    Path("pipeline/tool_environments.py"),
    Path("pipeline/tool_process.py"),
    Path("pipeline/tool_worker.py"),
    Path("pipeline/validation.py"),
}
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
TARGETS = load_params(ROOT / "params.yaml").targets


def uncovered(modules: set[Path], dependencies: list[str]) -> set[Path]:
    watched = [Path(d) for d in dependencies]
    return {m for m in modules - PLUMBING if not any(m == w or w in m.parents for w in watched)}


@pytest.mark.parametrize("stage", ["prepare", "train", "export", "quantize", "report"])
def test_a_stage_watches_what_it_imports(stage):
    modules = import_closure(Path(f"pipeline/stages/{stage}.py"))
    assert not uncovered(modules, STAGES[stage]["deps"])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("stage", ["compile", "verify"])
def test_a_targets_stage_watches_what_it_imports(stage, target):
    item = TARGETS[target]
    loaded = Path(item.backend if stage == "compile" else item.runner)
    files = sorted((ROOT / loaded).rglob("*.py")) if (ROOT / loaded).is_dir() else [loaded]
    modules = import_closure(Path(f"pipeline/stages/{stage}.py"), *files)
    dependencies = [
        d.replace("${key}", target)
        .replace("${item.backend}", item.backend)
        .replace("${item.sources}", item.sources)
        .replace("${item.runner}", item.runner)
        for d in STAGES[stage]["do"]["deps"]
    ]
    assert not uncovered(modules, dependencies)


@pytest.mark.parametrize("stage", STAGES)
def test_every_watched_source_exists(stage):
    definition = STAGES[stage].get("do", STAGES[stage])
    for dependency in definition["deps"]:
        if dependency.startswith(("pipeline/", "calibration", "firmware")):
            assert (ROOT / dependency).exists(), dependency


def test_training_does_not_watch_what_only_boards_use():
    watched = " ".join(STAGES["train"]["deps"])
    for other in ("firmware", "targets", "pipeline/backends", "pipeline/runners", "pipeline/graph", "calibration"):
        assert other not in watched


def results_of_benchmarks() -> set[Path]:
    """The files that `make bench` and its kin write."""
    modules = (path.relative_to(ROOT).with_suffix("") for path in (ROOT / "benchmarks").rglob("results.py"))
    return {importlib.import_module(".".join(module.parts)).RESULTS_FILE for module in modules}


def test_dvc_passes_over_what_no_stage_writes_beside_their_results():
    """The report's stage depends on the folder: a benchmark, a board or a profile must not make it out of date."""
    beside = results_of_benchmarks() | {board_report("a-board"), target_profile("a-board")}
    stages = {target_report("mps2-an386"), Path("reports/train.json"), Path("reports/confusion.csv")}
    asked = sorted(str(path) for path in beside | stages)
    done = subprocess.run(["dvc", "check-ignore", *asked], cwd=ROOT, capture_output=True, text=True, check=False)
    assert set(done.stdout.split()) == {str(path) for path in beside}
    assert len(beside) >= 10

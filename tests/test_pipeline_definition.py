"""dvc.yaml against the code: what a stage imports is what DVC watches."""

from pathlib import Path

import pytest
import yaml

from pipeline.params import load_params
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

"""How soon a command answers: what it imports decides, and that is the same on every machine."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.start.cases import Case, cases, make_project
from benchmarks.start.measure import start
from pipeline.cli.app import COMMANDS
from pipeline.errors import SixfoldError
from tests.cli.project import ROOT, environment

#: Each takes longer to import than a command may take to start, or nearly.
HEAVY = {
    *("torch", "lightning", "torchmetrics", "kornia", "tvm", "onnxruntime", "onnxscript", "openvino", "unicorn"),
    *("pandas", "matplotlib", "scipy", "sklearn", "dvc", "asyncssh", "cryptography", "mlxtend", "cv2"),
}
#: What a network's graph is read with, and what needs it: only where there is something to read.
ARITHMETIC = {"numpy", "onnx", "google", "ai_edge_litert", "flatbuffers", "PIL", "elftools", "jinja2"}
#: What help, completion and a misspelt option do without.
SETTINGS = {"yaml", "rich"}

#: Refusals that come after the graph or the images were looked for, with what that needs.
READS_FIRST = {
    "init": {"numpy", "PIL"},
    "evaluate": {"numpy", "onnx", "google", "PIL"},
    "import": {"numpy", "onnx", "google", "ai_edge_litert", "flatbuffers"},
    "tune": {"numpy", "onnx", "google"},
    "flash": {"elftools"},
    "check": {"numpy"},
    "sweep": {"numpy", "jinja2", "elftools"},
}


def forbidden(case: Case) -> set[str]:
    """What a start must not have imported."""
    misspelt = case.kind == "refusal" and case.arguments[-1] == "--none"
    if case.kind in ("help", "completion") or misspelt:
        return HEAVY | ARITHMETIC | SETTINGS
    if case.kind == "refusal":
        return HEAVY | ARITHMETIC - READS_FIRST.get(case.command, set())
    if case.command in ("targets", "doctor", "new-target", "report"):
        return HEAVY | ARITHMETIC
    return HEAVY


def marked() -> Iterator[object]:
    """The first of each command and kind in every run of the tests, the others with the slow ones."""
    seen = set()
    for case in cases():
        first = (case.command, case.kind) not in seen
        seen.add((case.command, case.kind))
        yield case if first else pytest.param(case, marks=pytest.mark.slow)


@pytest.mark.parametrize("case", list(marked()), ids=str)
def test_a_start_imports_nothing_that_only_the_work_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    project = tmp_path / "project"
    project.mkdir()
    started = start(case, make_project(project, case.built, ROOT), tmp_path / "imported")
    assert "pipeline.cli.app" in started.imported
    imported = {name.partition(".")[0] for name in started.imported}
    assert imported & forbidden(case) == set()


def test_every_command_is_started_in_every_way() -> None:
    found = {(case.command, case.kind) for case in cases()}
    assert {(name, kind) for name in COMMANDS for kind in ("help", "refusal", "work")} <= found


def test_a_start_that_ends_otherwise_is_no_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    project = make_project(tmp_path, True, ROOT)
    not_refused = Case("targets", "refusal", ("targets",), built=True)
    never_at_work = Case("targets", "work", ("targets",), built=True, work="photos")
    for case, code in ((not_refused, 0), (never_at_work, 0), (Case("build", "help", ("build", "none")), 2)):
        with pytest.raises(SixfoldError, match=f"ended with {code}"):
            start(case, project)


@pytest.mark.parametrize(
    ("typed", "expected"), [("sixfold ne", ["new-target"]), ("sixfold build mps3", ["mps3-an547"])]
)
def test_commands_and_targets_are_completed(tmp_path: Path, typed: str, expected: list[str]) -> None:
    shutil.copytree(ROOT / "targets", tmp_path / "targets")
    words = typed.split()
    variables = {"_SIXFOLD_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli"],
        cwd=tmp_path,
        env=environment() | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == expected

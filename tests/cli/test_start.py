"""How soon a command answers: what it imports decides, and that is the same on every machine."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli.app import COMMANDS
from tests.cli.project import ROOT, environment

#: Each takes longer to import than a command may take to start.
HEAVY = {
    *("torch", "lightning", "torchmetrics", "kornia", "tvm", "onnxruntime", "openvino", "ai_edge_litert"),
    *("pandas", "matplotlib", "scipy", "sklearn", "dvc", "asyncssh"),
}
#: For help not even these, which some commands need at once.
FOR_HELP = {*HEAVY, "numpy", "onnx", "yaml", "rich", "PIL"}

_SCRIPT = """\
import contextlib, io, json, sys
from pipeline.cli import main
sys.argv = ["sixfold", *sys.argv[1:]]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported(folder: Path, *arguments: str) -> set[str]:
    """Top-level modules that are loaded when a command has ended."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    assert not imported(tmp_path, *arguments) & FOR_HELP


@pytest.mark.parametrize(
    "arguments",
    [
        ["targets"],
        ["targets", "--json"],
        ["doctor"],
        ["check"],
        ["build", "nope"],
        ["verify", "nope"],
        ["run", "nope", "image.png"],
        ["diff", "nope"],
        ["flash", "nucleo-f446re"],
        ["new-target", "mine", "--like", "host-tvm"],
    ],
    ids=" ".join,
)
def test_what_only_reads_files_imports_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    for name in ("params.yaml", "constraints.txt", "dvc.yaml", "dvc.lock"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "targets", tmp_path / "targets")
    assert not imported(tmp_path, *arguments) & HEAVY


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

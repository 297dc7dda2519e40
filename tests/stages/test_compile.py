"""The stage as DVC runs it: bad input is one line on stderr, exit code 2, and the previous artefact stays."""

import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from pipeline.graph.qdq import int8_qdq
from tests.graph.graphs import small_mobilenet
from tests.imports import ROOT

TARGET = "host-onnxruntime"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a small model and the repository's targets."""
    shutil.copytree(ROOT / "targets", tmp_path / "targets")
    (tmp_path / "models").mkdir()
    save(tmp_path, int8_qdq(small_mobilenet(0)))
    return tmp_path


def save(project: Path, model: onnx.ModelProto) -> None:
    (project / "models/model.int8.onnx").write_bytes(model.SerializeToString())


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.stages.compile", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def files(project: Path) -> dict[str, bytes]:
    return {str(p.relative_to(project)): p.read_bytes() for p in (project / "artifacts").rglob("*") if p.is_file()}


def truncated(project: Path) -> None:
    path = project / "models/model.int8.onnx"
    path.write_bytes(path.read_bytes()[:-1000])


def unsupported(project: Path) -> None:
    model = int8_qdq(small_mobilenet(0))
    next(node for node in model.graph.node if node.op_type == "Add").op_type = "Mul"
    save(project, model)


def misshapen(project: Path) -> None:
    model = int8_qdq(small_mobilenet(0))
    del model.graph.input[0].type.tensor_type.shape.dim[0]
    save(project, model)


def absent(project: Path) -> None:
    (project / "models/model.int8.onnx").unlink()


def wrong_key(project: Path) -> None:
    path = project / "targets" / f"{TARGET}.yaml"
    path.write_text(path.read_text() + "colour: red\n")


def wrong_unit(project: Path) -> None:
    path = project / "targets" / f"{TARGET}.yaml"
    path.write_text(path.read_text().replace("0.5}", "0.5, sram: 96KB}"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncated, "error: models/model.int8.onnx: not a"),
        (
            unsupported,
            "error: models/model.int8.onnx: node 32 'add6' (Mul): operator is not supported; supported are Add",
        ),
        (misshapen, "error: models/model.int8.onnx: input 'input' is FLOAT [1, 16, 16]; a fixed float32 shape"),
        (absent, "error: models/model.int8.onnx: cannot be read (No such file or directory)"),
        (wrong_key, f"error: targets/{TARGET}.yaml: colour: unknown key; known here: backend, board, budget, clock_hz"),
        (wrong_unit, f"error: targets/{TARGET}.yaml: budget.sram: '96KB' is not a size; write for example 96KiB"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_and_the_artefact_stays(project, damage, message):
    assert run(project, TARGET).returncode == 0
    before = files(project)
    assert before
    damage(project)
    done = run(project, TARGET)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message), done.stderr
    assert done.stderr.count("\n") == 1
    assert files(project) == before


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["no-such-board"]])
def test_wrong_usage_is_exit_code_2(project, arguments):
    done = run(project, *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_a_write_that_fails_is_one_line(project):
    (project / "artifacts").write_text("a file where the folder must be")
    done = run(project, TARGET)
    assert done.returncode == 2
    assert "artifacts" in done.stderr
    assert "cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1

"""The gate on real results: each planted fault is found with its cause, and a rebuild elsewhere is quiet."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from pipeline.graph.reader import read_graph
from pipeline.graph.reference import execute_all
from pipeline.metadata import read_normalization
from pipeline.preprocess import quantize_pixels
from tests.gate.workspace import BOARD, HOST, SmallWorkspace

pytestmark = pytest.mark.slow

KERNEL = "firmware/kernels/portable/add.c"
MODEL = "models/model.int8.onnx"
CALIBRATION = "data/prepared/calibration.images.npy"


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> SmallWorkspace:
    """All stages run, the results accepted and committed."""
    made = SmallWorkspace.make(tmp_path_factory.mktemp("accepted"))
    made.repro(f"verify@{BOARD}", f"verify@{HOST}")
    updated = made.sixfold("check", "--update")
    assert updated.returncode == 0, updated.stderr
    made.commit()
    return made


@pytest.fixture
def workspace(accepted: SmallWorkspace, tmp_path: Path) -> Iterator[SmallWorkspace]:
    """The accepted one; sources, models and results are as they were after the test."""
    kept = ("firmware", "data/prepared", "models", "artifacts", "reports", "dvc.lock")
    for name in kept:
        source = accepted.folder / name
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, tmp_path / name) if source.is_dir() else shutil.copy(source, tmp_path / name)
    yield accepted
    for name in kept:
        source = accepted.folder / name
        shutil.rmtree(source) if source.is_dir() else source.unlink()
        shutil.move(tmp_path / name, source)


def replaced(workspace: SmallWorkspace, name: str, old: str, new: str) -> None:
    path = workspace.folder / name
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def change_initializer(workspace: SmallWorkspace, name: str, change) -> None:
    """Change one tensor of the int8 model in place."""
    model = onnx.load(workspace.folder / MODEL)
    (found,) = (entry for entry in model.graph.initializer if entry.name == name)
    values = numpy_helper.to_array(found).copy()
    change(values)
    found.CopyFrom(numpy_helper.from_array(values, name))
    path = workspace.folder / MODEL
    path.unlink()  # it may be a link into DVC's cache
    path.write_bytes(model.SerializeToString(deterministic=True))


def initializers(workspace: SmallWorkspace, kind: int, rank: int) -> list[str]:
    """Names of the int8 model's tensors of an element type and a rank, in the order of the file."""
    model = onnx.load(workspace.folder / MODEL)
    return [found.name for found in model.graph.initializer if (found.data_type, len(found.dims)) == (kind, rank)]


def test_nothing_changed_is_quiet(accepted):
    checked = accepted.sixfold("check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == f"{HOST}: as baselines/{HOST}.json\n{BOARD}: as baselines/{BOARD}.json\n"


def test_one_wrong_weight(workspace):
    def flip(values):
        assert values.dtype == np.int8
        values.flat[0] ^= 1 << 4

    change_initializer(workspace, initializers(workspace, onnx.TensorProto.INT8, 4)[0], flip)
    workspace.rebuild(BOARD)
    failures = workspace.failures(BOARD)
    assert failures.keys() >= {"model"} and "parity" not in failures, "the board computes the wrong weight as it is"
    detail, causes = failures["model"]
    assert "and nothing that it is made from accounts for it" in detail
    assert causes.startswith(f"quantize: {MODEL} changed although nothing that the stage reads did: edited by hand")


def test_a_kernel_off_by_one_step(workspace):
    replaced(workspace, KERNEL, "fixed.output_zero_point);", "fixed.output_zero_point) ^ (i == 0);")
    workspace.rebuild(BOARD)
    failures = workspace.failures(BOARD)
    assert failures.keys() >= {"parity", "budget"}
    detail, causes = failures["parity"]
    assert "output codes differ by up to" in detail and detail.endswith("output codes equal the reference's before")
    assert f"compile@{BOARD}, verify@{BOARD}: firmware changed ({KERNEL})" in causes
    assert "fixed-point reference" in failures["budget"][0]


def test_calibration_data_swapped(workspace):
    path = workspace.folder / CALIBRATION
    pixels = 255 - np.load(path)
    path.unlink()
    np.save(path, pixels)
    quantised = workspace.run(sys.executable, "-m", "pipeline.stages.quantize")
    assert quantised.returncode == 0, quantised.stderr
    workspace.rebuild(HOST)
    detail, causes = workspace.failures(HOST)["data"]
    assert detail == "the calibration data are not the baseline's (calibration.images.npy in data/prepared)"
    assert causes.startswith("prepare: data/prepared changed although nothing that the stage reads did")


def losing_bias(workspace: SmallWorkspace) -> int:
    """What to add to the classifier's first bias to lose at least a point of accuracy, and as little more as can be."""
    graph = read_graph(workspace.folder / MODEL)
    images, labels = (np.load(workspace.folder / f"data/prepared/test.{kind}.npy") for kind in ("images", "labels"))
    source, classifier = graph.tensors[graph.input], graph.operators[-1]
    inputs = quantize_pixels(images, read_normalization(graph.metadata, MODEL), source.scale, source.zero_point)
    logits = execute_all(graph, inputs, "float")[graph.output].reshape(len(images), -1).astype(int)
    right = (logits.argmax(1) == labels).mean()
    for codes in range(1, 256):
        moved = logits.copy()
        moved[:, 0] = np.minimum(moved[:, 0] + codes, 127)
        if right - (moved.argmax(1) == labels).mean() >= 0.01:
            accumulated = graph.tensors[classifier.inputs[0]].scale * float(classifier.weight_scale[0])
            return round(codes * graph.tensors[graph.output].scale / accumulated)
    raise AssertionError("no bias loses a point")


def test_accuracy_down_a_point(workspace):
    shift = losing_bias(workspace)

    def move(values):
        values[0] += shift

    def accuracy() -> float:
        return json.loads((workspace.folder / f"reports/{HOST}.json").read_text())["accuracy"]["int8"]

    before = accuracy()
    biases = [name for name in initializers(workspace, onnx.TensorProto.INT32, 1) if name.endswith("/bias")]
    change_initializer(workspace, biases[-1], move)
    workspace.rebuild(HOST)
    lost = before - accuracy()
    assert 0.009 <= lost <= 0.03
    detail, _ = workspace.failures(HOST)["accuracy"]
    assert f": \u2212{100 * lost:.2f} points" in detail and "on the same 1000 images" in detail
    assert "the budget of 0.5 points is exceeded" in detail


def test_five_per_cent_more_instructions(workspace):
    before = json.loads((workspace.folder / f"reports/{BOARD}.json").read_text())["latency"]["value"]
    loop = f"    for (volatile int32_t wasted = 0; wasted < {int(0.06 * before / 4 / 10)}; ++wasted) {{\n    }}\n"
    replaced(workspace, KERNEL, "    for (int32_t i = 0;", f"{loop}    for (int32_t i = 0;")
    workspace.rebuild(BOARD)
    failures = workspace.failures(BOARD)
    detail, causes = failures["instructions"]
    growth = float(detail.partition("instructions: +")[2].partition(" %")[0])
    assert growth >= 5 and "0 % is allowed; most in features." in detail and ".add +" in detail
    assert f"compile@{BOARD}, verify@{BOARD}: firmware changed ({KERNEL})" in causes
    assert "parity" not in failures and "ram" not in failures


def test_a_kilobyte_more_ram(workspace):
    replaced(
        workspace,
        KERNEL,
        "    for (int32_t i = 0;",
        "    static volatile uint8_t hoard[1024];\n    hoard[0] = hoard[1];\n    for (int32_t i = 0;",
    )
    workspace.rebuild(BOARD)
    failures = workspace.failures(BOARD)
    detail, causes = failures["ram"]
    assert detail.endswith(": +1024 bytes; 0 bytes are allowed")
    assert f"compile@{BOARD}, verify@{BOARD}: firmware changed ({KERNEL})" in causes and "parity" not in failures


def test_results_older_than_their_sources_are_not_compared(workspace):
    replaced(workspace, KERNEL, "Residual addition", "Residual additions")
    checked = workspace.sixfold("check", BOARD)
    assert checked.returncode == 2
    assert checked.stderr == (
        f"error: artifacts/{BOARD}: out of date, firmware is not what stage compile@{BOARD} read; run `dvc repro`\n"
    )


def test_a_rebuild_of_the_same_commit_elsewhere_is_quiet(accepted, tmp_path):
    """In another folder, with another home, language, time zone, hash seed and umask; only the commit is taken over."""
    home = tmp_path / "another home"
    home.mkdir()
    elsewhere = accepted.clone(
        tmp_path / "a longer path with spaces" / "clone",
        HOME=str(home),
        LC_ALL="C",
        TZ="Asia/Kathmandu",
        PYTHONHASHSEED="4711",
        TMPDIR=str(home),
        OMP_NUM_THREADS="2",
    )
    (elsewhere.folder / "dvc.lock").unlink()
    rebuilt = elsewhere.run("bash", "-c", f"umask 077; dvc repro verify@{BOARD} verify@{HOST}")
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    checked = elsewhere.sixfold("check")
    assert (checked.returncode, checked.stderr) == (0, "")
    # The wall clock of one measured target has nothing to be compared with.
    assert checked.stdout == f"{HOST}: as baselines/{HOST}.json\n{BOARD}: as baselines/{BOARD}.json\n"

"""The main job on real input: `dvc repro` with the repository's own parameters, in a copy of the tree."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.params import load_params
from tests.imports import ROOT

pytestmark = pytest.mark.slow

ENABLED = load_params(ROOT / "params.yaml").targets
TARGETS = sorted(ENABLED)
BOARDS = [name for name in TARGETS if ENABLED[name].sources == "firmware"]


@pytest.fixture
def changed(built):
    """Change a file of the workspace; it is as before after the test."""
    before: dict[Path, str] = {}

    def change(name: str, text: str) -> None:
        path = built.folder / name
        before.setdefault(path, path.read_text())
        path.write_text(text)

    yield change
    for path, text in before.items():
        path.write_text(text)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_verified_within_its_budget(built, target):
    report = built.report(target)
    assert report["budget"] == {"passed": True, "violations": []}
    assert report["accuracy"]["samples"] == 1000
    assert report["accuracy"]["fp32"] >= 0.975
    assert report["accuracy"]["drop"] <= 0.005
    low, high = report["accuracy"]["drop_ci95"]
    assert low <= report["accuracy"]["drop"] <= high
    assert report["parity"]["samples"] >= 32


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "host-openvino"])
def test_the_artefact_equals_the_reference_bit_for_bit(built, target):
    parity = built.report(target)["parity"]
    assert (parity["mismatched"], parity["max_lsb"]) == (0, 0)
    assert parity["elements"] == 10 * parity["samples"]


def test_every_test_image_gives_one_answer_in_all_of_tensorflow_lite(built):
    litert, micro = built.report("host-litert"), built.report("tflm-host")
    (reference_kernels,) = litert["details"]["other_kernels"]
    for parity in (litert["parity"], reference_kernels, micro["parity"]):
        assert (parity["samples"], parity["mismatched"]) == (1000, 0)
    assert reference_kernels["reference"] == micro["parity"]["reference"] == "fixed-point"


def test_openvino_differs_by_one_step_at_most_per_operator(built):
    operators = built.report("host-openvino")["details"]["operators"]
    assert len(operators) > 60
    assert max(row["max_lsb"] for row in operators) <= 1


def test_the_emulated_board_reports_instructions_and_memory(built):
    report = built.report("mps2-an386")
    assert report["latency"]["kind"] == "instructions"
    assert report["latency"]["value"] > report["model"]["macs"]
    assert sum(layer["macs"] for layer in report["latency"]["layers"]) == report["model"]["macs"]
    assert all(report["memory"][name] > 0 for name in ("flash_bytes", "ram_bytes", "stack_bytes"))


def test_a_board_that_no_emulator_has_says_what_stood_in(built):
    report = built.report("nucleo-f446re")
    assert report["details"]["stands_for"] == "nucleo-f446re"
    assert report["latency"]["where"] == "qemu-system mps2-an386"


def test_the_site_is_written(built):
    page = (built.folder / "site/index.html").read_text()
    assert all(target in page for target in TARGETS)


def test_a_second_repro_runs_nothing(built):
    output = built.repro()
    assert "Running stage" not in output
    assert built.outdated() == set()


def test_a_profile_and_its_page_leave_nothing_to_do(built):
    for command in (["profile", "mps2-an386"], ["report"]):
        done = built.run(sys.executable, "-m", "pipeline.cli", *command)
        assert done.returncode == 0, done.stderr
    assert "lose most against it" in (built.folder / "site/profiles.html").read_text()
    assert built.outdated() == set()


def test_metrics_are_declared(built):
    done = built.run("dvc", "metrics", "show", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)[""]["data"]
    assert {f"reports/{name}.json" for name in ("train", "export", "quantize", *TARGETS)} == set(shown)


def test_plots_are_declared(built):
    done = built.run("dvc", "plots", "show", "--json")
    assert done.returncode == 0, done.stderr
    assert {"loss", "accuracy", "confusion"} <= set(json.loads(done.stdout)["data"])


def test_a_changed_kernel_rebuilds_its_boards_and_retrains_nothing(built, changed):
    kernel = "firmware/kernels/portable/add.c"
    changed(kernel, (built.folder / kernel).read_text() + "\n/* changed */\n")
    assert "mps2-an386" in BOARDS
    assert built.outdated() == {f"{stage}@{board}" for stage in ("compile", "verify") for board in BOARDS}


def test_a_changed_target_file_rebuilds_that_target_alone(built, changed):
    target = "targets/host-openvino.yaml"
    changed(target, (built.folder / target).read_text().replace("summary: ", "summary: Changed "))
    # The report names every target's core and memory, so it is made again, but no other target is touched.
    assert built.outdated() == {"compile@host-openvino", "verify@host-openvino", "report"}


def test_another_number_of_epochs_retrains_and_prepares_nothing(built, changed):
    params = (built.folder / "params.yaml").read_text()
    data = yaml.safe_load(params)
    data["experiments"]["digits"]["train"]["epochs"] += 1
    changed("params.yaml", yaml.safe_dump(data))
    assert built.outdated() == {"train"}


def test_rebuilding_gives_identical_bytes(built):
    before = built.outputs()
    stages = ["prepare", "export", "quantize", *(f"compile@{target}" for target in TARGETS), "verify@mps2-an386"]
    output = built.repro("--force", "--single-item", *stages)
    assert output.count("Running stage") == len(stages)
    assert built.outputs() == before
    assert "models/model.int8.onnx" in before


def test_a_wrong_key_in_a_target_file_is_one_line_and_exit_code_2(built, changed):
    target = "targets/mps2-an386.yaml"
    changed(target, (built.folder / target).read_text().replace("clock_hz:", "clock_khz:"))
    done = built.run(sys.executable, "-m", "pipeline.stages.compile", "mps2-an386")
    assert done.returncode == 2
    assert done.stderr.startswith("error: targets/mps2-an386.yaml: clock_khz: unknown key; known here: backend,")
    assert done.stderr.count("\n") == 1


def test_a_truncated_model_is_one_line_and_exit_code_2_and_the_artefact_stays(built):
    model = built.folder / "models/model.int8.onnx"
    whole = model.read_bytes()
    artefact = built.folder / "artifacts/host-onnxruntime/model.uint8.onnx"
    before = artefact.read_bytes()
    model.unlink()  # the file may be a link into DVC's cache, which must not be written through
    model.write_bytes(whole[: len(whole) // 2])
    try:
        done = built.run(sys.executable, "-m", "pipeline.stages.compile", "host-onnxruntime")
    finally:
        model.write_bytes(whole)
    assert done.returncode == 2
    assert done.stderr.startswith("error: models/model.int8.onnx: not a")
    assert done.stderr.count("\n") == 1
    assert artefact.read_bytes() == before

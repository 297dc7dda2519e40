"""The gate on made-up results: what it finds, by which rule, and how it says so."""

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline import cli
from pipeline.errors import GateFailedError, SixfoldError
from pipeline.gate.accuracy import AccuracyChange
from pipeline.gate.check import Outcome, check_targets, update_baselines
from pipeline.predictions import Predictions
from tests.gate.repository import BOARD, HOST, IMAGES, OTHER_HOST, Repository, predictions

TARGETS = (BOARD, HOST, OTHER_HOST)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Its results are accepted."""
    made = Repository(tmp_path)
    update_baselines(TARGETS, tmp_path)
    return made


def board(repository: Repository) -> Outcome:
    (outcome,) = check_targets([BOARD], repository.root)
    assert outcome.error is None, outcome.error
    return outcome


def changes(repository: Repository) -> dict[str, tuple[str, str, str]]:
    """Of the board: verdict, detail and causes by quantity."""
    return {f.quantity: (f.verdict, f.detail, "; ".join(f.causes)) for f in board(repository).changes}


def test_the_same_results_are_quiet(repository):
    for outcome in check_targets(TARGETS, repository.root):
        assert (outcome.error, outcome.changes) == (None, ())
        assert {"data", "model", "accuracy", "parity", "budget"} <= {finding.quantity for finding in outcome.findings}
    assert {f.quantity for f in board(repository).findings} >= {"instructions", "flash", "ram", "stack"}


MINUS = "\u2212"


# One wrong weight, calibration data, accuracy.


def test_a_model_that_nothing_accounts_for_fails(repository):
    repository.new_model()
    verdict, detail, causes = changes(repository)["model"]
    assert verdict == "failed" and detail.startswith("the int8 model is another one: sha256 ")
    assert causes == (
        "quantize: models/model.int8.onnx changed although nothing that the stage reads did: "
        "edited by hand, or made on another processor"
    )


def test_the_first_output_without_a_reason_is_named(repository):
    repository.write("models/model.pt", b"other weights")
    repository.write("models/model.onnx", b"other float model")
    repository.new_model()
    verdict, _, causes = changes(repository)["model"]
    assert verdict == "failed"
    assert causes.startswith("train: models/model.pt changed although") and "export" not in causes


def test_a_model_changed_by_its_source_is_a_change_and_no_failure(repository):
    repository.write("calibration/rounding.py", b"# rounds better\n")
    repository.new_model()
    found = changes(repository)
    assert found.keys() == {"model"}
    assert found["model"][0] == "changed" and found["model"][2] == "quantize: calibration changed"


def test_a_model_changed_by_a_parameter_names_it(repository):
    params = repository.path("params.yaml")
    params.write_text(params.read_text().replace("rounding: hessian", "rounding: nearest", 1))
    repository.new_model()
    verdict, _, causes = changes(repository)["model"]
    assert verdict == "changed"
    assert causes == "quantize: experiments.digits.quantize.rounding is nearest, was hessian"


def test_of_another_experiment_it_is_said_once_that_it_is_another(repository):
    params = repository.path("params.yaml")
    params.write_text(params.read_text().replace("experiment: digits", "experiment: solar", 1))
    repository.new_model()
    _, _, causes = changes(repository)["model"]
    assert causes.count("experiment is solar, was digits") == 1
    assert "experiments." not in causes


def test_a_source_that_changed_nothing_is_no_cause_of_another_model(repository):
    repository.write("pipeline/data/new.py", b"")
    repository.new_model()
    verdict, _, causes = changes(repository)["model"]
    assert verdict == "failed" and causes.startswith("quantize: models/model.int8.onnx changed although")


def test_other_calibration_data_fail_whatever_they_lead_to(repository):
    repository.write("data/prepared/calibration.images.npy", b"other images")
    repository.new_model()
    found = changes(repository)
    verdict, detail, causes = found["data"]
    assert verdict == "failed"
    assert detail == "the calibration data are not the baseline's (calibration.images.npy in data/prepared)"
    assert causes.startswith("prepare: data/prepared changed although nothing that the stage reads did")
    assert found["model"][0] == "failed", "the data have no reason, so the model has none"


def test_other_test_images_cannot_be_paired(repository):
    repository.edit(BOARD, lambda report: report.update(predictions=predictions(20, images="b2" * 32)))
    assert changes(repository)["accuracy"][:2] == (
        "failed",
        "cannot be compared: the test images are not the baseline's",
    )


@pytest.mark.parametrize(
    ("wrong", "lucky", "verdict", "said"),
    [
        # a point down, and chance does not explain it
        (30, 0, "failed", (f"{MINUS}1.00 points", "images lost: 10, gained: 0, p = 0.002, significant", "is exceeded")),
        # a point down that chance may explain, but beyond the budget of half a point
        (
            45,
            15,
            "failed",
            (f"{MINUS}1.00 points", "images lost: 25, gained: 15, p = 0.15, not significant", "is exceeded"),
        ),
        # within the budget, but none of it by chance
        (
            25 + 2,
            0,
            "failed",
            (f"{MINUS}0.70 points", "images lost: 7, gained: 0, p = 0.016, significant", "is exceeded"),
        ),
        # chance, and within the budget
        (
            23,
            0,
            "changed",
            (f"{MINUS}0.30 points", "images lost: 3, gained: 0, p = 0.25, not significant", "within the budget"),
        ),
        # better
        (
            20,
            10,
            "changed",
            ("+1.00 points", "images lost: 0, gained: 10, p = 0.002, significant", "within the budget"),
        ),
    ],
)
def test_accuracy_fails_if_significant_or_beyond_the_budget(repository, wrong, lucky, verdict, said):
    repository.edit(BOARD, lambda report: report.update(predictions=predictions(wrong, lucky)))
    found, detail, _ = changes(repository)["accuracy"]
    assert found == verdict
    assert all(text in detail for text in said), detail


def test_a_significant_drop_within_a_wide_budget_fails(repository):
    path = repository.path(f"targets/{BOARD}.yaml")
    path.write_text(path.read_text().replace("accuracy_drop_points: 0.5", "accuracy_drop_points: 5"))
    repository.edit(BOARD, lambda report: report.update(predictions=predictions(30)))
    verdict, detail, _ = changes(repository)["accuracy"]
    assert verdict == "failed" and "within the budget of 5 points" in detail and "significant" in detail


def test_without_labels_only_classes_are_compared(tmp_path):
    made = Repository(tmp_path)
    made.edit(BOARD, lambda report: report.update(predictions=predictions(20, labels=False)))
    update_baselines([BOARD], tmp_path)
    made.edit(BOARD, lambda report: report.update(predictions=predictions(21, labels=False)))
    detail = "not known without labels; 1 of 1000 predicted classes differ"
    assert changes(made)["accuracy"][:2] == ("changed", detail)


def test_a_board_that_computed_fewer_images_is_compared_on_those(repository):
    # Image 4 was wrong before, image 50 was right.
    two = Predictions("a1" * 32, IMAGES, np.array([4, 50]), np.array([5, 1]), np.array([4, 0])).record().model_dump()
    repository.edit(BOARD, lambda report: report.update(predictions=two))
    verdict, detail, _ = changes(repository)["accuracy"]
    assert verdict == "failed" and detail.startswith("0.00\u00a0%, was 50.00\u00a0% on the same 2 of the images: ")
    assert "images lost: 1" in detail and detail.endswith("1 of 2 predicted classes differ")


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_p_value_is_that_of_the_exact_binomial_test(lost, gained):
    change = AccuracyChange(1000, 60, 0.9, 0.9, lost, gained)
    expected = stats.binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
    assert change.p == pytest.approx(expected, rel=1e-9)


# Parity, cost, memory.


def test_parity_that_is_no_longer_exact_fails_and_names_the_kernels(repository):
    repository.write("firmware/kernels/portable/add.c", b"/* adds one too many */\n")

    def differ(report):
        report["parity"] |= {"mismatched": 7, "max_lsb": 1}
        report["budget"] = {"passed": False, "violations": ["7 of 320 output codes differ"]}

    repository.edit(BOARD, differ)
    found = changes(repository)
    detail = "7 of 320 output codes differ by up to 1 LSB; all 320 output codes equal the reference's before"
    causes = f"compile@{BOARD}, verify@{BOARD}: firmware changed"
    assert found["parity"] == ("failed", detail, causes)
    assert found["budget"][:2] == ("failed", "7 of 320 output codes differ")


def test_git_names_the_file_within_a_folder(repository):
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "t"]):
        subprocess.run(["git", *command], cwd=repository.root, check=True)
    repository.write("firmware/kernels/portable/add.c", b"/* adds one too many */\n")
    repository.edit(BOARD, lambda report: report["parity"].update(mismatched=7, max_lsb=1))
    causes = changes(repository)["parity"][2]
    assert f"compile@{BOARD}, verify@{BOARD}: firmware changed (firmware/kernels/portable/add.c)" in causes


def test_parity_that_was_not_looked_at_fails(repository):
    repository.edit(BOARD, lambda report: report.update(parity=None))
    assert changes(repository)["parity"][:2] == ("failed", "was not compared this time")


def test_a_runtime_that_never_was_exact_may_differ_elsewhere(tmp_path):
    made = Repository(tmp_path)
    made.edit(BOARD, lambda report: report["parity"].update(mismatched=7, max_lsb=2))
    update_baselines([BOARD], tmp_path)
    made.edit(BOARD, lambda report: report["parity"].update(mismatched=9, max_lsb=2))
    assert changes(made)["parity"][0] == "changed"


def slower(report):
    report["latency"]["value"] *= 1.05
    report["latency"]["layers"][0]["value"] += 2716099


def test_five_per_cent_more_instructions_fail_and_name_the_layer(repository):
    repository.edit(BOARD, slower)
    verdict, detail, _ = changes(repository)["instructions"]
    assert verdict == "failed"
    assert ": +5 %; 0 % is allowed; most in features.0.0 +2\u202f716\u202f099" in detail


@pytest.mark.parametrize(("allowed", "verdict"), [("4.9", "failed"), ("5.1", "changed")])
def test_the_target_file_allows_more_instructions(repository, allowed, verdict):
    with repository.path(f"targets/{BOARD}.yaml").open("a") as stream:
        stream.write(f"gate: {{cost_percent: {allowed}}}\n")
    repository.edit(BOARD, slower)
    assert changes(repository)["instructions"][0] == verdict


def test_fewer_instructions_are_a_change(repository):
    repository.edit(BOARD, lambda report: report["latency"].update(value=54e6))
    assert changes(repository)["instructions"][0] == "changed"


def test_another_emulator_cannot_be_compared(repository):
    repository.edit(BOARD, lambda report: report["latency"].update(where="qemu-system mps2-an500"))
    assert changes(repository)["instructions"][1].startswith(
        "cannot be compared: now instructions on qemu-system mps2-"
    )


@pytest.mark.parametrize(
    ("field", "quantity"), [("ram_bytes", "ram"), ("flash_bytes", "flash"), ("stack_bytes", "stack")]
)
def test_a_kilobyte_more_memory_fails(repository, field, quantity):
    repository.edit(BOARD, lambda report: report["memory"].update({field: report["memory"][field] + 1024}))
    verdict, detail, _ = changes(repository)[quantity]
    assert verdict == "failed" and detail.endswith(": +1024 bytes; 0 bytes are allowed")


@pytest.mark.parametrize(("more", "verdict"), [(1024, "changed"), (1025, "failed")])
def test_the_target_file_allows_more_memory(repository, more, verdict):
    with repository.path(f"targets/{BOARD}.yaml").open("a") as stream:
        stream.write("gate: {ram: 1KiB}\n")
    repository.edit(BOARD, lambda report: report["memory"].update(ram_bytes=report["memory"]["ram_bytes"] + more))
    assert changes(repository)["ram"][0] == verdict


def test_another_compiler_is_said_and_is_a_likely_cause(repository):
    repository.edit(BOARD, slower)
    repository.edit(BOARD, lambda report: report["tools"].update({"qemu-system-arm": "10.0.2"}))
    found = changes(repository)
    assert found["tools"][:2] == ("changed", "qemu-system-arm is 10.0.2, was 7.2.22")
    assert "qemu-system-arm is 10.0.2, was 7.2.22" in found["instructions"][2]


# Wall clock.


def ratio(repository: Repository) -> str:
    _, first, second = check_targets(TARGETS, repository.root)
    assert "time ratio" not in {finding.quantity for finding in first.findings}
    (finding,) = (finding for finding in second.findings if finding.quantity == "time ratio")
    return f"{finding.verdict}: {finding.detail}"


def test_times_are_compared_as_ratios_within_one_run(repository):
    for name in (HOST, OTHER_HOST):
        repository.edit(name, lambda report: report["latency"].update(value=1.32))
    assert ratio(repository) == "same: 1.00 times that of host-onnxruntime, was 1.00 times: +0 %; shown only"
    repository.edit(OTHER_HOST, lambda report: report["latency"].update(value=3.96))
    assert ratio(repository).startswith("changed: 3.00 times that of host-onnxruntime, was 1.00 times: +200 %")


def test_a_ratio_fails_only_beyond_a_limit_on_the_baselines_machine(repository):
    with repository.path(f"targets/{OTHER_HOST}.yaml").open("a") as stream:
        stream.write("gate: {time_ratio_percent: 50}\n")
    repository.edit(OTHER_HOST, lambda report: report["latency"].update(value=0.264))
    assert ratio(repository).startswith("failed: 2.00 times that of host-onnxruntime")
    for name in (HOST, OTHER_HOST):
        repository.edit(name, lambda report: report["latency"].update(where="another machine"))
    assert ratio(repository).startswith("changed: 2.00 times") and "shown only" in ratio(repository)


# Files.


def test_each_missing_or_damaged_file_is_one_line(repository):
    def check() -> str:
        (outcome,) = check_targets([BOARD], repository.root)
        assert outcome.error is not None and "\n" not in outcome.error
        return outcome.error.removeprefix(f"{repository.root}/")

    baseline = repository.path(f"baselines/{BOARD}.json")
    whole = baseline.read_text()
    baseline.write_text(whole[:100])
    assert check().startswith(f"baselines/{BOARD}.json: not readable JSON")
    baseline.write_text(whole.replace('"model_sha256"', '"model"'))
    assert check().startswith(f"baselines/{BOARD}.json: model: unknown key")
    baseline.write_text(whole.replace(f'"target": "{BOARD}"', '"target": "other"'))
    assert check() == f"baselines/{BOARD}.json: target: is 'other', the file is called '{BOARD}'"
    baseline.write_text(json.dumps(json.loads(whole) | {"predictions": predictions(1) | {"classes": ["AAA"]}}))
    assert check().startswith(f"baselines/{BOARD}.json: predictions: not base64")
    baseline.unlink()
    assert check().startswith(f"baselines/{BOARD}.json: not found; look at the target's report, then run")
    baseline.write_text(whole)
    repository.edit(BOARD, lambda report: report.pop("predictions"))
    assert check() == f"reports/{BOARD}.json: predictions: missing; run `sixfold verify {BOARD}` again, which writes it"
    repository.path(f"reports/{BOARD}.json").unlink()
    assert check().startswith(f"reports/{BOARD}.json: not found; run")


def test_a_report_of_another_model_than_the_one_here_is_one_line(repository):
    repository.write("models/model.int8.onnx", b"built, not yet verified")
    (outcome,) = check_targets([BOARD], repository.root)
    assert outcome.error is not None
    assert outcome.error.endswith(
        "model.sha256: is not that of models/model.int8.onnx; run `dvc repro verify@mps2-an386`"
    )


def test_a_failed_file_does_not_hide_the_other_targets(repository):
    repository.path(f"baselines/{HOST}.json").unlink()
    repository.edit(BOARD, slower)
    found = {outcome.target: outcome for outcome in check_targets(TARGETS, repository.root)}
    assert found[HOST].error is not None and found[BOARD].failures and not found[OTHER_HOST].changes


# Updating.


def test_an_update_accepts_and_the_same_facts_are_the_same_bytes(repository):
    path = repository.path(f"baselines/{BOARD}.json")
    before = path.read_bytes()
    update_baselines([BOARD], repository.root)
    assert path.read_bytes() == before and len(before) < 16_000
    repository.edit(BOARD, slower)
    (accepted,) = update_baselines([BOARD], repository.root)
    assert [finding.quantity for finding in accepted.failures] == ["instructions"]
    assert board(repository).changes == ()


def test_no_baseline_is_made_of_a_failed_verification_and_none_is_written(repository):
    repository.edit(HOST, lambda report: report["latency"].update(value=9.0))
    repository.edit(BOARD, lambda report: report.update(budget={"passed": False, "violations": ["too large"]}))
    before = {path: path.read_bytes() for path in repository.path("baselines").iterdir()}
    with pytest.raises(GateFailedError, match="mps2-an386: its own verification failed, .*: too large"):
        update_baselines([HOST, BOARD], repository.root)
    assert {path: path.read_bytes() for path in repository.path("baselines").iterdir()} == before


def test_noise_of_the_clock_alone_changes_no_baseline(repository):
    path = repository.path(f"baselines/{HOST}.json")
    before = path.read_bytes()
    repository.edit(HOST, lambda report: report["latency"].update(value=1.5 * report["latency"]["value"]))
    update_baselines([HOST], repository.root)
    assert path.read_bytes() == before


# The command.


def run(monkeypatch: pytest.MonkeyPatch, repository: Repository, *arguments: str) -> int:
    monkeypatch.chdir(repository.root)
    monkeypatch.setattr("sys.argv", ["sixfold", "check", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_the_command_is_one_line_a_target_where_nothing_changed(monkeypatch, capsys, repository):
    assert run(monkeypatch, repository, *TARGETS) == 0
    printed = capsys.readouterr()
    assert printed.out == "".join(f"{name}: as baselines/{name}.json\n" for name in TARGETS) and printed.err == ""


def test_a_regression_is_exit_code_1_in_the_console_in_junit_and_in_markdown(monkeypatch, capsys, repository):
    repository.edit(BOARD, slower)
    repository.write("firmware/kernels/portable/add.c", b"/* slow */\n")
    repository.path("summary.md").write_text("before\n")
    assert run(monkeypatch, repository, *TARGETS, "--junit", "out/gate.xml", "--summary", "summary.md") == 1
    printed = capsys.readouterr()
    assert printed.err == f"failed: {BOARD}: instructions\n"
    assert f"{BOARD}: failed\n  failed instructions: 57" in printed.out
    assert f"    likely cause: compile@{BOARD}, verify@{BOARD}: firmware changed\n" in printed.out

    suites = ET.parse(repository.path("out/gate.xml")).getroot()
    assert [suite.get("name") for suite in suites] == list(TARGETS)
    assert [suite.get("failures") for suite in suites] == ["1", "0", "0"]
    (failure,) = suites.iter("failure")
    assert "0 % is allowed" in (failure.get("message") or "") and "firmware changed" in (failure.text or "")
    assert all(int(suite.get("tests") or 0) == len(suite) for suite in suites)

    text = repository.path("summary.md").read_text()
    assert text.startswith("before\n## sixfold check\n\n| Target | Result | What |\n")
    assert f"| `{BOARD}` | **failed** | instructions |\n" in text
    assert f"| `{HOST}` | as its baseline |  |\n" in text
    assert "  - likely cause: compile@mps2-an386, verify@mps2-an386: firmware changed\n" in text


def test_missing_files_are_exit_code_2_with_one_line_each(monkeypatch, capsys, repository):
    for name in (BOARD, HOST):
        repository.path(f"baselines/{name}.json").unlink()
    assert run(monkeypatch, repository, *TARGETS, "--junit", "gate.xml", "--summary", "summary.md") == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all(line.startswith("error: baselines/") for line in lines)
    suites = ET.parse(repository.path("gate.xml")).getroot()
    assert [suite.get("errors") for suite in suites] == ["1", "1", "0"]
    assert f"| `{HOST}` | not checked |" in repository.path("summary.md").read_text()


def test_json_has_every_finding(monkeypatch, capsys, repository):
    repository.edit(BOARD, slower)
    assert run(monkeypatch, repository, BOARD, "--json") == 1
    (outcome,) = json.loads(capsys.readouterr().out)
    verdicts = {finding["quantity"]: finding["verdict"] for finding in outcome["findings"]}
    assert verdicts["instructions"] == "failed" and verdicts["parity"] == "same"


def test_an_update_prints_what_it_accepts(monkeypatch, capsys, repository):
    repository.edit(BOARD, slower)
    assert run(monkeypatch, repository, BOARD, "--update") == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{BOARD}: baselines/{BOARD}.json written, which accepts:\n  accepted instructions: 57")
    assert run(monkeypatch, repository, BOARD, "--update", "--junit", "x") == 2


def test_without_names_all_enabled_targets_are_checked(repository):
    enabled = [outcome.target for outcome in check_targets([], repository.root)]
    assert {BOARD, HOST, OTHER_HOST} < set(enabled)


def test_a_definition_that_the_gate_does_not_know_is_one_line(repository):
    path = repository.path("dvc.yaml")
    path.write_text(path.read_text().replace("  quantize:\n", "  quantise:\n"))
    with pytest.raises(SixfoldError, match=r"dvc\.yaml: stages: quantize is not as the gate expects it") as caught:
        update_baselines([BOARD], repository.root)
    assert "\n" not in str(caught.value)

from pathlib import Path

import pytest

from pipeline.errors import SixfoldError
from pipeline.report.inputs import load_inputs
from tests.report.repository import TARGETS, target_report, write


def test_everything_is_read(repository: Path) -> None:
    inputs = load_inputs(TARGETS)
    assert [verified.target.name for verified in inputs.targets] == list(TARGETS)
    assert inputs.train and inputs.train.accuracy.test == 0.977
    assert inputs.training and inputs.training["validation_loss"] == [1.5, 0.4, None]
    assert inputs.confusion == {("0", "0"): 3, ("1", "1"): 3, ("2", "2"): 3, ("0", "1"): 1}
    assert inputs.labels == ["0", "1", "2"]
    assert len(inputs.models) == 1


def test_nothing_but_targets_is_needed(repository: Path) -> None:
    for file in [*repository.glob("reports/*"), *repository.glob("data/prepared/*")]:
        file.unlink()
    inputs = load_inputs(TARGETS)
    assert all(verified.report is None and verified.passed is None for verified in inputs.targets)
    found = [inputs.dataset, inputs.train, inputs.export, inputs.quantize, inputs.training, inputs.predictions or None]
    assert found == [None] * 6


def test_null_sections_and_values_are_unknown(repository: Path) -> None:
    nothing = {"model": None, "accuracy": None, "latency": None, "budget": None, "tools": None, "details": None}
    write(repository / "reports/mps2-an386.json", target_report("mps2-an386", **nothing))
    (verified,) = load_inputs(["mps2-an386"]).targets
    assert verified.report and verified.report.accuracy.int8 is None and verified.passed is None


def test_labels_without_a_data_set_are_in_natural_order(repository: Path) -> None:
    (repository / "data/prepared/dataset.json").unlink()
    (repository / "reports/confusion.csv").write_text("actual,predicted\n10,9\n9,a2\na10,9\n")
    assert load_inputs([]).labels == ["9", "10", "a2", "a10"]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("reports/mps2-an386.json", '{"target": ', "not readable JSON"),
        ("reports/mps2-an386.json", '{"target": "x", "accuracy": {"int8": "good"}}', "accuracy.int8"),
        ("reports/mps2-an386.json", '{"target": "x", "latency": {"kind": "felt"}}', "latency.kind"),
        ("reports/train.json", "[]", "train.json: (whole file)"),
        ("reports/training.csv", "epoch,loss\n1,low\n", "training.csv:2: loss: 'low' is not a number"),
        ("reports/confusion.csv", "is,seen\n1,2\n", "confusion.csv:2: needs the columns actual and predicted"),
        ("targets/mps2-an386.yaml", "name: mps2-an386\n", "mps2-an386.yaml"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(repository: Path, file: str, content: str, message: str) -> None:
    (repository / file).write_text(content)
    with pytest.raises(SixfoldError) as caught:
        load_inputs(["mps2-an386"])
    assert message in str(caught.value) and "\n" not in str(caught.value)

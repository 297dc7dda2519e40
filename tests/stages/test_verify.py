import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation import PairedAccuracy
from pipeline.graph.reference import execute, execute_all
from pipeline.parity import KernelParity, OperatorParity, Parity, TensorParity
from pipeline.runners import Footprint, Latency, OtherKernels, RunResult
from pipeline.stages import verify
from pipeline.stages.verify import _check, _first_difference, _spread, _violations
from pipeline.targets import Budget, load_target
from tests.graph.graphs import random_inputs, small_mobilenet

ROOT = Path(__file__).parents[2]

CODES = np.array([[1, 2, 3], [4, 5, -128]], np.int8)
GOOD = [KernelParity("", Parity("fixed-point", 2, 6, 0, 0))]
BUDGET = Budget(accuracy_drop_points=0.5, sram=1000, flash="2KiB")


def accuracy(drop: float) -> PairedAccuracy:
    return PairedAccuracy(1000, 0.98, 0.98 - drop, drop, (drop - 0.0001, drop + 0.01), 0.99)


def result(ram: int | None = 1000, flash: int | None = 2048) -> RunResult:
    return RunResult(CODES, Latency("instructions", "instructions", 1.0, 1, "test"), Footprint(flash, ram))


def test_within_all_budgets_nothing_is_violated():
    assert _violations(BUDGET, accuracy(0.005), result(), GOOD, None) == []


def test_what_the_runner_found_comes_first():
    found = dataclasses.replace(
        result(ram=1001), outputs=None, violations=("1 of 9 operators is left to the CPU: add",)
    )
    assert _violations(BUDGET, accuracy(0.0), found, [], None) == [
        "1 of 9 operators is left to the CPU: add",
        "sram use is 1001 bytes, the budget is 1000",
    ]


def test_an_artefact_that_nothing_executed_has_no_parity(monkeypatch):
    monkeypatch.setattr(verify, "sha256_file", lambda path: "0" * 64)
    other = KernelParity("the file before", Parity("fixed-point", 2, 6, 0, 0))
    found = dataclasses.replace(
        result(), outputs=None, not_run="no model", others=(OtherKernels("the file before", "fixed-point", CODES),)
    )
    target = load_target("ethos-u85-256", ROOT / "targets")
    report = verify._report(target, small_mobilenet(0), accuracy(0.0), None, [other], None, found, [])
    assert report["parity"] is None and report["details"]["not_run"] == "no model"
    assert [row["kernels"] for row in report["details"]["other_kernels"]] == ["the file before"]
    json.dumps(report)


@pytest.mark.parametrize(
    ("interval", "ending"),
    [
        ((0.001, 0.02), "the budget is 0.5"),
        (
            (-0.0081, 0.0085),
            "the budget is 0.5; on 118 images it may be chance (95 %: -0.81 to 0.85): test on more, or raise "
            "budget.accuracy_drop_points in the target file",
        ),
    ],
)
def test_a_drop_that_may_be_chance_says_so(interval: tuple[float, float], ending: str) -> None:
    one_of_118 = PairedAccuracy(118, 0.72, 0.72 - 1 / 118, 1 / 118, interval, 0.99)
    assert _violations(BUDGET, one_of_118, result(), GOOD, None) == [f"accuracy drops 0.85 points, {ending}"]


def test_what_cannot_be_known_violates_nothing():
    assert _violations(BUDGET, accuracy(0.0), result(None, None), GOOD, None) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((accuracy(0.0051), result(), GOOD, None), "accuracy drops 0.51 points, the budget is 0.5"),
        ((accuracy(0.0), result(ram=1001), GOOD, None), "sram use is 1001 bytes, the budget is 1000"),
        ((accuracy(0.0), result(flash=2049), GOOD, None), "flash use is 2049 bytes, the budget is 2048"),
        (
            (accuracy(0.0), result(), [KernelParity("", Parity("fixed-point", 2, 6, 1, 1))], None),
            "1 of 6 output codes differ from the fixed-point reference",
        ),
        (
            (
                accuracy(0.0),
                result(),
                [*GOOD, KernelParity("slow ones", Parity("float", 2, 6, 2, 1), TensorParity("stem", 9, 4, 1))],
                None,
            ),
            "slow ones: 2 of 6 output codes differ from the float reference, the first tensor that differs is stem",
        ),
        (
            (accuracy(0.0), result(), GOOD, [OperatorParity("conv", 9, 1, 1), OperatorParity("add", 9, 1, 2)]),
            "operator add differs by 2 LSB on identical inputs",
        ),
    ],
)
def test_each_violation_is_said_in_words(arguments, text):
    assert _violations(BUDGET, *arguments) == [text]


def test_end_to_end_differences_of_a_fusing_runtime_are_reported_not_failed():
    assert (
        _violations(
            BUDGET,
            accuracy(0.0),
            result(),
            [KernelParity("", Parity("float", 2, 6, 3, 9))],
            [OperatorParity("c", 1, 1, 1)],
        )
        == []
    )


def test_samples_are_spread_over_the_split():
    assert _spread(10, None).tolist() == list(range(10))
    assert _spread(10, 20).tolist() == list(range(10))
    chosen = _spread(1000, 64)
    assert (len(set(chosen.tolist())), chosen[0], chosen[-1]) == (64, 0, 999)


class TransparentRunner:
    """A runner whose artefact has one wrong layer."""

    @staticmethod
    def run_tensors(_artefact, _target, image, family):
        tensors = {name: codes[0] for name, codes in execute_all(GRAPH, image[np.newaxis], family).items()}
        wrong = GRAPH.operators[3].output
        return tensors | {wrong: tensors[wrong] ^ 1}


GRAPH = small_mobilenet(0)


def test_where_outputs_differ_the_first_wrong_tensor_is_looked_for_in_that_sample():
    inputs = random_inputs(GRAPH, 4, 0)
    expected = execute(GRAPH, inputs, "fixed-point")
    outputs = expected.copy()
    outputs[2, 1] ^= 1
    asked = []

    def locate(sample, family):
        asked.append((sample, family))
        return _first_difference(TransparentRunner, Path(), load_target("tflm-host"), GRAPH, inputs, sample, family)

    found = _check("", "fixed-point", outputs, expected, locate)
    assert asked == [(2, "fixed-point")]
    assert found.parity.mismatched == 1 and found.first is not None
    assert found.first.tensor == GRAPH.operators[3].output
    assert _check("", "fixed-point", expected, expected, locate).first is None and len(asked) == 1


def test_a_runner_that_shows_no_tensors_names_none():
    inputs = random_inputs(GRAPH, 1, 0)
    target = load_target("host-onnxruntime")
    assert _first_difference(object(), Path(), target, GRAPH, inputs, 0, "float") is None

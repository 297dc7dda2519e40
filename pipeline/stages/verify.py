"""Stage `verify@T`: run the artefact on test images and compare it with the reference of its arithmetic family.

The result is ``reports/<target>.json``; a budget or parity violation is in it and makes the command fail.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.errors import GateFailedError, SixfoldError, exits_cleanly
from pipeline.evaluation import LoneAccuracy, PairedAccuracy
from pipeline.files import sha256_file, write_json
from pipeline.graph import cost
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.graph.reader import read_graph
from pipeline.graph.reference import Family, execute
from pipeline.parity import (
    OPERATOR_TOLERANCE_LSB,
    KernelParity,
    OperatorParity,
    TensorParity,
    TensorRunner,
    compare,
    first_difference,
    operator_parity,
)
from pipeline.paths import INT8_MODEL, board_report, built_artefact, target_report
from pipeline.predictions import Predictions
from pipeline.progress import progress_bar
from pipeline.runners import RunResult, load_runner
from pipeline.stages.samples import LabelledImages, Samples, choose_samples, score_predictions
from pipeline.targets import Budget, Target, load_target, on_a_board

#: Test images on which a runtime that fuses across a rounding is checked operator by operator.
_OPERATOR_SAMPLES = 4


def verify_target(name: str, port: str | None = None, images: LabelledImages | None = None) -> None:
    """Verify target `name` and write its report.

    Args:
        name: of a file in targets/.
        port: a board's serial port; the board then takes the place of the target's own runner, and of its report.
        images: instead of the prepared test split.

    Raises:
        SixfoldError: something needed is missing or damaged.
        GateFailedError: the report is written, and holds a violation.
    """
    target = load_target(name)
    report = target_report(name)
    if port is not None:
        target = on_a_board(target, port)
        report = board_report(name)
    # Before the reference is computed, which takes minutes for a large network.
    artefact = built_artefact(name)
    graph = read_graph(INT8_MODEL)
    samples = choose_samples(graph, images)
    inputs = samples.inputs
    expected = _reference(graph, inputs, target.reference)

    runner = load_runner(target)
    chosen = _spread(len(inputs), runner.SAMPLES)
    run = np.ascontiguousarray(inputs[chosen])
    result = runner.run_artefact(artefact, target, run)
    operators = operator_parity(runner, graph, run[:_OPERATOR_SAMPLES])
    locate = partial(_first_difference, runner, artefact, target, graph, run)
    own = None
    if result.outputs is not None:
        own = _check("", target.reference, result.outputs, expected[chosen], locate)
    checks = [] if own is None else [own]
    for other in result.others:
        checks.append(_check(other.name, other.family, other.outputs, _reference(graph, run, other.family), locate))

    # An emulated board runs a part of the test images. Where all its codes equal the reference's, the reference
    # speaks for the others; otherwise only what the artefact itself computed counts. Where nothing executed the
    # artefact, the accuracy is the reference's and the report says so.
    whole = own is None or own.parity.mismatched == 0
    predictions = (expected if whole else result.codes).argmax(1)
    scored = np.arange(len(inputs)) if whole else chosen
    accuracy = score_predictions(graph, samples, scored, predictions)
    violations = _violations(target.budget, accuracy, result, checks, operators)
    contents = _report(target, graph, accuracy, own, checks, operators, result, violations)
    contents["details"]["inputs"] = samples.source
    contents["predictions"] = _predictions(samples, scored, predictions).record().model_dump()
    write_json(report, contents)
    if violations:
        raise GateFailedError(f"{name}: {'; '.join(violations)} (see {report})")


def _reference(graph: IntegerGraph, inputs: Int8Array, family: Family) -> Int8Array:
    with progress_bar(f"reference, {family}", len(inputs)) as advance:
        return execute(graph, inputs, family, advance)


#: From the index of a sample and a family to the first tensor that differs.
_Locate: TypeAlias = Callable[[int, Family], TensorParity | None]


def _check(kernels: str, family: Family, outputs: Int8Array, expected: Int8Array, locate: _Locate) -> KernelParity:
    parity = compare(outputs, expected, family)
    if not parity.mismatched:
        return KernelParity(kernels, parity)
    sample = int((outputs != expected).any(1).argmax())
    return KernelParity(kernels, parity, locate(sample, family))


def _first_difference(
    runner: object, artefact: Path, target: Target, graph: IntegerGraph, inputs: Int8Array, sample: int, family: Family
) -> TensorParity | None:
    if not isinstance(runner, TensorRunner):
        return None
    image = inputs[sample]
    return first_difference(graph, image, runner.run_tensors(artefact, target, image, family), family)


def _spread(available: int, wanted: int | None) -> npt.NDArray[np.int64]:
    """Indices of at most `wanted` samples, evenly over the split, so that every class is met."""
    if wanted is None or wanted >= available:
        return np.arange(available)
    return np.linspace(0, available - 1, wanted).astype(np.int64)


def _predictions(samples: Samples, scored: npt.NDArray[np.int64], classes: npt.NDArray[np.int64]) -> Predictions:
    labels = None if samples.labelled is None else samples.labelled.labels[scored]
    return Predictions(samples.sha256, len(samples.inputs), scored, classes, labels)


def _violations(
    budget: Budget,
    accuracy: PairedAccuracy | LoneAccuracy,
    result: RunResult,
    checks: Sequence[KernelParity],
    operators: Sequence[OperatorParity] | None,
) -> list[str]:
    """Everything that fails the gate, in words."""
    found = list(result.violations)
    if operators is None:
        found += [str(check) for check in checks if check.parity.mismatched]
    for row in operators or ():
        if row.max_lsb > OPERATOR_TOLERANCE_LSB:
            found.append(f"operator {row.name} differs by {row.max_lsb} LSB on identical inputs")
            break
    if isinstance(accuracy, PairedAccuracy) and 100 * accuracy.drop > budget.accuracy_drop_points:
        found.append(_accuracy_violation(accuracy, budget.accuracy_drop_points))
    for memory, used, limit in (
        ("sram", result.footprint.ram_bytes, budget.sram),
        ("flash", result.footprint.flash_bytes, budget.flash),
    ):
        if used is not None and limit is not None and used > limit:
            found.append(f"{memory} use is {used} bytes, the budget is {limit}")
    return found


def _accuracy_violation(accuracy: PairedAccuracy, allowed: float) -> str:
    text = f"accuracy drops {100 * accuracy.drop:.2f} points, the budget is {allowed:g}"
    least, most = (100 * bound for bound in accuracy.drop_ci95)
    if least > 0:
        return text
    # A user whose hundred images cannot show a drop of half a point has to hear it from the gate, not from statistics.
    return (
        f"{text}; on {accuracy.samples} images it may be chance (95 %: {least:.2f} to {most:.2f}): test on more, or "
        "raise budget.accuracy_drop_points in the target file"
    )


def _report(
    target: Target,
    graph: IntegerGraph,
    accuracy: PairedAccuracy | LoneAccuracy,
    own: KernelParity | None,
    checks: Sequence[KernelParity],
    operators: Sequence[OperatorParity] | None,
    result: RunResult,
    violations: Sequence[str],
) -> dict[str, Any]:
    """The report as documented in docs/reading-a-report.md."""
    details: dict[str, Any] = dict(result.details)
    if operators is not None:
        details["operators"] = [asdict(row) for row in operators]
        details["operator_tolerance_lsb"] = OPERATOR_TOLERANCE_LSB
    if result.others:
        others = [check for check in checks if check is not own]
        details["other_kernels"] = [{"kernels": check.kernels, **asdict(check.parity)} for check in others]
    for check in checks:
        if check.first is not None:
            details.setdefault("first_differences", []).append({"kernels": check.kernels, **asdict(check.first)})
    if result.not_run is not None:
        details["not_run"] = result.not_run
    if target.runner.stands_for:
        details["stands_for"] = target.runner.stands_for
    return {
        "target": target.name,
        "backend": target.backend,
        "family": target.family,
        "model": {
            "sha256": sha256_file(INT8_MODEL),
            "params": cost.parameters(graph),
            "macs": sum(cost.macs(graph).values()),
        },
        "accuracy": accuracy.as_json(),
        "parity": asdict(own.parity) if own else None,
        "latency": asdict(result.latency) if result.latency else None,
        "memory": asdict(result.footprint),
        "budget": {"passed": not violations, "violations": list(violations)},
        "tools": {"numpy": version("numpy"), "onnxruntime": version("onnxruntime"), **result.tools},
        "details": details,
    }


@exits_cleanly
def main() -> None:
    """Run the stage: ``python -m pipeline.stages.verify TARGET``."""
    if len(sys.argv) != 2:
        raise SixfoldError("usage: python -m pipeline.stages.verify TARGET")
    verify_target(sys.argv[1])


if __name__ == "__main__":
    main()

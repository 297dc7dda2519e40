"""A target's facts now against its baseline: one finding for each quantity, with a verdict and the likely cause."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pipeline.gate.accuracy import LEVEL, AccuracyChange, paired
from pipeline.gate.baseline import Baseline, Cost, ParityFacts
from pipeline.gate.causes import Causes
from pipeline.gate.provenance import PREPARED_FOLDER
from pipeline.predictions import Predictions
from pipeline.report.format import grouped, interval, percent, points
from pipeline.report.schema import TargetReport
from pipeline.targets import Target

#: ``changed`` is worth a look and no regression.
Verdict: TypeAlias = Literal["same", "changed", "failed"]

#: Layers named where the cost grows.
_NAMED_LAYERS = 3


@dataclass(frozen=True)
class Finding:
    """One quantity of one target.

    Attributes:
        quantity: what was compared.
        verdict: fails the gate, is worth a look, or neither.
        detail: what it is, what it was, and by which rule it fails.
        causes: what else changed that may have led to it; empty where it is the same.
    """

    quantity: str
    verdict: Verdict
    detail: str
    causes: tuple[str, ...] = ()


def compare(
    target: Target, before: Baseline, after: Baseline, report: TargetReport, root: Path = Path()
) -> list[Finding]:
    """Everything that the gate looks at for one target, the wall clock apart."""
    causes = Causes(before, after, root)
    return [
        *_data(before, after, causes),
        _model(before, after, causes),
        _accuracy(target, before, after, causes),
        *_parity(before, after, report, causes),
        *_budget(report, causes),
        *_cost(target, before.cost, after.cost, causes),
        *_memory(target, before, after, causes),
        *_tools(before, after),
    ]


def _data(before: Baseline, after: Baseline, causes: Causes) -> Iterator[Finding]:
    then, now = before.provenance.data, after.provenance.data
    if not then or not now:
        return
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if not changed:
        yield Finding("data", "same", f"{len(now)} files of {PREPARED_FOLDER}")
        return
    what = " and ".join(sorted({name.partition(".")[0] for name in changed}))
    detail = f"the {what} data are not the baseline's ({', '.join(changed)} in {PREPARED_FOLDER})"
    yield Finding("data", "failed", detail, causes.of_data())


def _model(before: Baseline, after: Baseline, causes: Causes) -> Finding:
    then, now = before.model_sha256, after.model_sha256
    if then == now:
        return Finding("model", "same", f"sha256 {now[:12]}")
    detail = f"the int8 model is another one: sha256 {now[:12]}, was {then[:12]}"
    if causes.model_explained:
        return Finding("model", "changed", detail, causes.of_model())
    return Finding("model", "failed", f"{detail}, and nothing that it is made from accounts for it", causes.of_model())


def _accuracy(target: Target, before: Baseline, after: Baseline, causes: Causes) -> Finding:
    change = paired(Predictions.read(before.predictions, "baseline"), Predictions.read(after.predictions, "report"))
    if change is None:
        detail = "cannot be compared: the test images are not the baseline's"
        return Finding("accuracy", "failed", detail, causes.of_data())
    of = f"{change.images} images" if change.images == before.predictions.images else f"{change.images} of the images"
    if not change.reclassified:
        return Finding("accuracy", "same", f"{percent(change.after)} on the same {of}, every class as before")
    moved = f"{change.reclassified} of {change.images} predicted classes differ"
    if change.before is None or change.after is None:
        return Finding("accuracy", "changed", f"not known without labels; {moved}", causes.of_all())
    budget = target.budget.accuracy_drop_points
    exceeded = 100 * change.drop > budget
    detail = f"{percent(change.after)}, was {percent(change.before)} on the same {of}: {_statistics(change)}; " + (
        f"the budget of {budget:g} points is exceeded" if exceeded else f"within the budget of {budget:g} points"
    )
    failed = change.significant or exceeded
    return Finding("accuracy", "failed" if failed else "changed", f"{detail}; {moved}", causes.of_all())


def _statistics(change: AccuracyChange) -> str:
    from pipeline.evaluation import discordant_interval  # noqa: PLC0415 - scipy takes most of a second to load

    bounds = discordant_interval(change.lost, change.gained, change.images)
    verdict = "significant" if change.p < LEVEL else "not significant"
    return (
        f"{points(-change.drop)} points (95 %: {interval((-bounds[1], -bounds[0]))}), "
        f"images lost: {change.lost}, gained: {change.gained}, p = {change.p:.2g}, {verdict}"
    )


def _parity(before: Baseline, after: Baseline, report: TargetReport, causes: Causes) -> Iterator[Finding]:
    for kernels, then in before.parity.items():
        name = f"parity, {kernels}" if kernels else "parity"
        now = after.parity.get(kernels)
        if now is None:
            yield Finding(name, "failed", "was not compared this time", causes.of_artefact())
        else:
            yield _one_parity(name, then, now, report, causes)


def _one_parity(name: str, then: ParityFacts, now: ParityFacts, report: TargetReport, causes: Causes) -> Finding:
    if then == now:
        return Finding(name, "same", _codes(now))
    detail = f"{_codes(now)}; {_codes(then)} before"
    if now.mismatched and not then.mismatched:
        return Finding(name, "failed", detail, causes.of_artefact())
    # A runtime that fuses across a rounding never was exact; the report's own verdict checks it operator by operator.
    return Finding(name, "changed", detail, causes.of_all())


def _codes(parity: ParityFacts) -> str:
    if not parity.mismatched:
        return f"all {grouped(parity.elements)} output codes equal the reference's"
    return (
        f"{grouped(parity.mismatched)} of {grouped(parity.elements)} output codes differ by up to {parity.max_lsb} LSB"
    )


def _budget(report: TargetReport, causes: Causes) -> Iterator[Finding]:
    if report.budget.passed is not False:
        yield Finding("budget", "same", "within the target's own budget")
        return
    yield Finding("budget", "failed", "; ".join(report.budget.violations) or "verification failed", causes.of_all())


def _cost(target: Target, then: Cost | None, now: Cost | None, causes: Causes) -> Iterator[Finding]:
    if then is None or then.kind == "measured":
        return
    if now is None or (now.kind, now.unit, now.where) != (then.kind, then.unit, then.where):
        found = f"{now.kind} on {now.where}" if now else "nothing"
        yield Finding(then.kind, "failed", f"cannot be compared: now {found}, was {then.kind} on {then.where}")
        return
    growth = 100 * (now.value / then.value - 1)
    if now.value == then.value:
        yield Finding(then.kind, "same", _amount(now))
        return
    allowed = target.gate.cost_percent
    detail = f"{_amount(now)}, was {_amount(then)}: {growth:+.3g} %; {allowed:g} % is allowed{_layers(then, now)}"
    yield Finding(then.kind, "failed" if growth > allowed else "changed", detail, causes.of_all())


def _amount(cost: Cost) -> str:
    return f"{grouped(cost.value)} {cost.unit}" if cost.unit == cost.kind else f"{cost.value:.4g} {cost.unit}"


def _layers(then: Cost, now: Cost) -> str:
    """The layers that changed most."""
    if then.layers.keys() != now.layers.keys():
        return "; the layers are other ones"
    moved = {name: now.layers[name] - value for name, value in then.layers.items() if now.layers[name] != value}
    most = sorted(moved, key=lambda name: (-abs(moved[name]), name))[:_NAMED_LAYERS]
    named = ", ".join(f"{name} {'+' if moved[name] > 0 else '-'}{grouped(abs(moved[name]))}" for name in most)
    return f"; most in {named}" if named else ""


def _memory(target: Target, before: Baseline, after: Baseline, causes: Causes) -> Iterator[Finding]:
    for kind, then in before.memory.items():
        now = after.memory.get(kind)
        if now is None:
            yield Finding(kind, "failed", f"is not known any more, was {grouped(then)} bytes", causes.of_artefact())
        elif now == then:
            yield Finding(kind, "same", f"{grouped(now)} bytes")
        else:
            allowed = target.gate.flash if kind == "flash" else target.gate.ram
            detail = f"{grouped(now)} bytes, was {grouped(then)}: {now - then:+d} bytes; {allowed} bytes are allowed"
            yield Finding(kind, "failed" if now - then > allowed else "changed", detail, causes.of_all())


def _tools(before: Baseline, after: Baseline) -> Iterator[Finding]:
    for name in sorted(before.tools.keys() | after.tools.keys()):
        then, now = before.tools.get(name, "none"), after.tools.get(name, "none")
        if then != now:
            yield Finding("tools", "changed", f"{name} is {now}, was {then}")

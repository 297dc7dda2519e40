"""The gate over several targets, and taking over their results as the new baselines."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import GateFailedError, SixfoldError
from pipeline.gate.baseline import Baseline, current_facts, load_baseline, load_report, save_baseline
from pipeline.gate.compare import Finding, compare
from pipeline.gate.provenance import PipelineFiles
from pipeline.gate.wall_clock import Timed, wall_clock_findings
from pipeline.paths import target_baseline
from pipeline.targets import Target, load_target


@dataclass(frozen=True)
class Outcome:
    """One target.

    Attributes:
        findings: empty where there is nothing to compare.
        error: why there is nothing to compare, in one line.
    """

    target: str
    findings: tuple[Finding, ...] = ()
    error: str | None = None

    @property
    def failures(self) -> tuple[Finding, ...]:
        """What fails the gate."""
        return tuple(finding for finding in self.findings if finding.verdict == "failed")

    @property
    def changes(self) -> tuple[Finding, ...]:
        """All that is not as it was."""
        return tuple(finding for finding in self.findings if finding.verdict != "same")


@dataclass(frozen=True)
class _Compared:
    target: Target
    before: Baseline
    after: Baseline
    findings: list[Finding]


def check_targets(names: Sequence[str], root: Path = Path()) -> list[Outcome]:
    """Compare the reports of targets with their baselines.

    Args:
        names: of targets; without any, all that params.yaml enables.
        root: the repository.

    Returns:
        One outcome per target, in order; a file that is missing or damaged is in the outcome of its target.

    Raises:
        SixfoldError: params.yaml, dvc.yaml or dvc.lock cannot be used.
    """
    files = PipelineFiles(root)
    chosen = list(dict.fromkeys(names or files.params.targets))
    outcomes: dict[str, Outcome] = {}
    compared: list[_Compared] = []
    for name in chosen:
        try:
            compared.append(_compare(name, files))
        except SixfoldError as error:
            outcomes[name] = Outcome(name, error=str(error))
    times = wall_clock_findings([Timed(entry.target, entry.before.cost, entry.after.cost) for entry in compared])
    for entry in compared:
        name = entry.target.name
        outcomes[name] = Outcome(name, (*entry.findings, *times.get(name, ())))
    return [outcomes[name] for name in chosen]


def _compare(name: str, files: PipelineFiles) -> _Compared:
    root = files.root
    target = load_target(name, root / "targets")
    before = load_baseline(name, root)
    report = load_report(name, root)
    after = current_facts(target, report, files)
    return _Compared(target, before, after, compare(target, before, after, report, root))


def update_baselines(names: Sequence[str], root: Path = Path()) -> list[Outcome]:
    """Take over the targets' reports as baselines; all of them or, after an error, none.

    Returns:
        What each accepts: its findings against the baseline before, none where there was no baseline.

    Raises:
        SixfoldError: a report is missing, damaged or out of date.
        GateFailedError: a report fails its target's own budget or parity.
    """
    files = PipelineFiles(root)
    chosen = list(dict.fromkeys(names or files.params.targets))
    outcomes, baselines = [], []
    for name in chosen:
        target = load_target(name, root / "targets")
        report = load_report(name, root)
        if report.budget.passed is not True:
            violations = "; ".join(report.budget.violations) or "it did not pass"
            raise GateFailedError(f"{name}: its own verification failed, which no baseline can hold: {violations}")
        after = current_facts(target, report, files)
        found: tuple[Finding, ...] = ()
        if (root / target_baseline(name)).exists():
            before = load_baseline(name, root)
            found = tuple(compare(target, before, after, report, root))
            after = _with_old_time(before, after)
        baselines.append(after)
        outcomes.append(Outcome(name, found))
    for baseline in baselines:
        save_baseline(baseline, root)
    return outcomes


def _with_old_time(before: Baseline, after: Baseline) -> Baseline:
    """Keep a wall-clock time that nothing else has changed with: it is noise, and would change the file each time."""
    then, now = before.cost, after.cost
    measured = then is not None and now is not None and then.kind == now.kind == "measured" and then.where == now.where
    kept = after.model_copy(update={"cost": then})
    return kept if measured and kept == before else after

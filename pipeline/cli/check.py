"""`sixfold check`: prints the gate's outcome, writes it for CI, and takes over new baselines."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pipeline.cli.output import print_json
from pipeline.errors import GateFailedError, SixfoldError
from pipeline.gate.check import Outcome, check_targets, update_baselines
from pipeline.gate.junit import write_junit
from pipeline.gate.summary import append_summary
from pipeline.paths import target_baseline
from pipeline.report.console import console

_STYLES = {"failed": "bold red", "changed": "yellow", "same": ""}


def check(targets: Sequence[str], junit: Path | None, summary: Path | None, as_json: bool) -> None:
    """Compare with the baselines and print.

    Raises:
        SixfoldError: a file is missing or damaged; the other targets are still checked and printed.
        GateFailedError: something got worse.
    """
    outcomes = check_targets(targets)
    if junit is not None:
        write_junit(outcomes, junit)
    if summary is not None:
        append_summary(outcomes, summary)
    _show(outcomes, as_json)
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    for error in errors[:-1]:
        print(f"error: {error}", file=sys.stderr)
    if errors:
        raise SixfoldError(errors[-1])
    failed = [outcome for outcome in outcomes if outcome.failures]
    if failed:
        said = (
            f"{outcome.target}: {', '.join(dict.fromkeys(finding.quantity for finding in outcome.failures))}"
            for outcome in failed
        )
        raise GateFailedError("; ".join(said))


def update(targets: Sequence[str], as_json: bool) -> None:
    """Write the baselines and print what that accepts.

    Raises:
        SixfoldError: a report is missing, damaged or out of date; no baseline is written.
        GateFailedError: a report fails its target's own budget; no baseline is written.
    """
    outcomes = update_baselines(targets)
    _show(outcomes, as_json, accepted=True)


def _show(outcomes: Sequence[Outcome], as_json: bool, accepted: bool = False) -> None:
    if as_json:
        print_json([asdict(outcome) for outcome in outcomes])
        return
    output = console()
    for outcome in outcomes:
        _print_outcome(output, outcome, accepted)


def _print_outcome(output: Console, outcome: Outcome, accepted: bool) -> None:
    baseline = target_baseline(outcome.target)
    if outcome.error is not None:
        headline = Text("not checked", style=_STYLES["failed"])
    elif accepted:
        headline = Text(f"{baseline} written" + (", which accepts:" if outcome.changes else ""))
    elif outcome.failures:
        headline = Text("failed", style=_STYLES["failed"])
    elif outcome.changes:
        headline = Text("passed, with changes", style=_STYLES["changed"])
    else:
        headline = Text(f"as {baseline}")
    output.print(Text(f"{outcome.target}: ") + headline, soft_wrap=True)
    said: tuple[str, ...] = ()
    for finding in outcome.changes:
        verdict = "accepted" if accepted and finding.verdict == "failed" else finding.verdict
        line = Text("  ") + Text(verdict, style=_STYLES.get(verdict, ""))
        output.print(line + Text(f" {finding.quantity}: {finding.detail}"), soft_wrap=True)
        # Findings with one cause follow each other, and it is said once.
        for cause in finding.causes if finding.causes != said else ():
            output.print(Text(f"    likely cause: {cause}"), soft_wrap=True)
        said = finding.causes

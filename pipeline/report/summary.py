"""The table of verified targets, on the console."""

from typing import TYPE_CHECKING

from rich.text import Text

from pipeline.report.console import console, table
from pipeline.report.format import family, interval, percent, points, qualified_latency, reported_parity, size, verdict
from pipeline.report.inputs import ReportInputs, VerifiedTarget

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {True: "green", False: "bold red", None: "yellow"}


def print_summary(inputs: ReportInputs) -> None:
    """Print one line per target, and below it what a failed budget violates."""
    listing = table(
        "target", "result", "int8", "drop, points (95 %)", "images", "parity", "latency", "flash", "RAM", "stack"
    )
    for verified in inputs.targets:
        listing.add_row(*_cells(verified))
    output = console()
    output.print(listing)
    for verified in inputs.targets:
        for violation in verified.report.budget.violations if verified.report else ():
            output.print(Text(f"{verified.target.name}: {violation}", style="red"))
    _print_arithmetics(output, inputs)
    if len(inputs.models) > 1:
        output.print(Text("these reports are of different models; run `dvc repro`", style="red"))


def _print_arithmetics(output: "Console", inputs: ReportInputs) -> None:
    """Two exact targets may differ in accuracy: each is exact against the reference of its own arithmetic."""
    targets: dict[str, list[str]] = {}
    accuracies = set()
    for verified in inputs.targets:
        if verified.report is not None:
            targets.setdefault(family(verified.report.family), []).append(verified.target.name)
            accuracies.add(verified.report.accuracy.int8)
    if len(targets) > 1 and len(accuracies) > 1:
        listed = "; ".join(f"{name}: {', '.join(members)}" for name, members in targets.items())
        output.print(Text(f"exact is against the int8 reference of a target's own arithmetic. {listed}"))


def _cells(verified: VerifiedTarget) -> list[str | Text]:
    result = Text(verdict(verified.passed), style=_STYLES[verified.passed])
    report = verified.report
    if report is None:
        return [verified.target.name, result]
    accuracy, memory = report.accuracy, report.memory
    drop = points(accuracy.drop)
    if accuracy.drop_ci95 is not None:
        drop += f" ({interval(accuracy.drop_ci95)})"
    return [
        verified.target.name,
        result,
        percent(accuracy.int8),
        drop,
        str(accuracy.samples or ""),
        reported_parity(report),
        qualified_latency(report.latency),
        size(memory.flash_bytes),
        size(memory.ram_bytes),
        size(memory.stack_bytes),
    ]

"""The table of targets in README.md: regenerated from reports, so that no number in it is typed by hand."""

from pathlib import Path

from pipeline.report.format import UNKNOWN, percent, points, qualified_latency, reported_parity, size
from pipeline.report.inputs import ReportInputs, VerifiedTarget
from pipeline.report.markdown import markdown_table, replace_tables

_HEAD = ("Target", "Core", "Engine", "int8 accuracy (images)", "Drop, points", "Parity", "Latency", "Flash", "RAM")


def targets_table(inputs: ReportInputs) -> str:
    """The targets as a Markdown table."""
    return markdown_table(_HEAD, (_cells(verified) for verified in inputs.targets))


def _cells(verified: VerifiedTarget) -> tuple[str, ...]:
    target, report = verified.target, verified.report
    engine = target.kernels or target.backend
    if report is None:
        return (f"`{target.name}`", target.core, engine, *(UNKNOWN for _ in _HEAD[3:]))
    accuracy = percent(report.accuracy.int8)
    if report.accuracy.samples is not None:
        accuracy += f" ({report.accuracy.samples})"
    return (
        f"`{target.name}`",
        target.core,
        engine,
        accuracy,
        points(report.accuracy.drop),
        reported_parity(report),
        qualified_latency(report.latency),
        size(report.memory.flash_bytes),
        size(report.memory.ram_bytes),
    )


def update_readme(path: Path, inputs: ReportInputs) -> None:
    """Replace what lies between the two markers in `path`.

    Raises:
        SixfoldError: the file cannot be read, or has not each marker once and in order.
    """
    replace_tables(path, {"targets": targets_table(inputs)})

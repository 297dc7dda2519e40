"""The table of targets in README.md: regenerated from reports, so that no number in it is typed by hand."""

from pathlib import Path

from pipeline.errors import SixfoldError
from pipeline.files import atomic_file
from pipeline.report.format import UNKNOWN, parity, percent, points, qualified_latency, size
from pipeline.report.inputs import ReportInputs, VerifiedTarget

BEGIN = "<!-- targets:begin -->"
END = "<!-- targets:end -->"

_HEAD = ("Target", "Core", "int8 accuracy (images)", "Drop, points", "Parity", "Latency", "Flash", "RAM")


def targets_table(inputs: ReportInputs) -> str:
    """The targets as a Markdown table."""
    rows = [_HEAD, tuple("---" for _ in _HEAD), *(_cells(verified) for verified in inputs.targets)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows)


def _cells(verified: VerifiedTarget) -> tuple[str, ...]:
    target, report = verified.target, verified.report
    if report is None:
        return (f"`{target.name}`", target.core, *(UNKNOWN for _ in _HEAD[2:]))
    accuracy = percent(report.accuracy.int8)
    if report.accuracy.samples is not None:
        accuracy += f" ({report.accuracy.samples})"
    return (
        f"`{target.name}`",
        target.core,
        accuracy,
        points(report.accuracy.drop),
        parity(report.parity),
        qualified_latency(report.latency),
        size(report.memory.flash_bytes),
        size(report.memory.ram_bytes),
    )


def update_readme(path: Path, inputs: ReportInputs) -> None:
    """Replace what lies between the two markers in `path`.

    Raises:
        SixfoldError: the file cannot be read, or has not each marker once and in order.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SixfoldError(f"{path}: cannot be read ({error})") from error
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise SixfoldError(f"{path}: needs the lines {BEGIN} and {END}, once each and in this order")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    with atomic_file(path) as temporary:
        temporary.write_text(f"{before}{BEGIN}\n{targets_table(inputs)}{END}{after}", encoding="utf-8")

"""The schema of reports/start.json and the tables in docs/start.md that are made from it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import PositiveFloat, PositiveInt

from benchmarks.start.cases import Kind
from pipeline.report.format import UNKNOWN
from pipeline.report.markdown import markdown_table, replace_tables
from pipeline.validation import Checked

RESULTS_FILE = Path("reports/start.json")
DOCS_FILE = Path("docs/start.md")
#: What every start must stay below, by the clock of a computer that does nothing else.
LIMIT_S = 0.5

_COLUMNS: tuple[tuple[Kind, str], ...] = (
    ("help", "Prints its help"),
    ("refusal", "Refuses"),
    ("work", "Is at work"),
    ("completion", "Completes"),
)


class CaseRow(Checked):
    """One command line: the least wall-clock and processor time, in seconds."""

    command: str
    kind: Kind
    line: str
    wall_s: PositiveFloat
    cpu_s: PositiveFloat


class Results(Checked):
    """One run. `where` is the computer."""

    repeats: PositiveInt
    where: str
    rows: tuple[CaseRow, ...]

    @property
    def too_slow(self) -> list[CaseRow]:
        """What took :data:`LIMIT_S` or more by the clock."""
        return [row for row in self.rows if row.wall_s >= LIMIT_S]


def start_table(results: Results) -> str:
    """Of each command and way to start the slowest command line: by the clock, and in brackets the processor's time."""
    commands = dict.fromkeys(row.command for row in results.rows)
    return markdown_table(("Command", *(head for _, head in _COLUMNS)), (_cells(results, each) for each in commands))


def _cells(results: Results, command: str) -> Sequence[str]:
    def times() -> Iterator[str]:
        for kind, _ in _COLUMNS:
            rows = [row for row in results.rows if (row.command, row.kind) == (command, kind)]
            if rows:
                yield f"{max(row.wall_s for row in rows):.2f} ({max(row.cpu_s for row in rows):.2f})"
            else:
                yield UNKNOWN

    return (f"`{command}`", *times())


def run_table(results: Results) -> str:
    """What was measured, and on what."""
    slowest = max(results.rows, key=lambda row: row.wall_s)
    return markdown_table(
        ("Measured on", "Command lines", "Starts of each", "The slowest"),
        [(results.where, str(len(results.rows)), str(results.repeats), f"`{slowest.line}`: {slowest.wall_s:.2f}")],
    )


def update_docs(results: Results, path: Path = DOCS_FILE) -> None:
    """Make the tables again."""
    replace_tables(path, {"start": start_table(results), "start-run": run_table(results)})

"""The schema of reports/fits.json and the table in docs/boards.md that is made from it."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import PositiveFloat, PositiveInt

from pipeline.report.format import UNKNOWN
from pipeline.report.markdown import markdown_table, replace_tables
from pipeline.targets import InputMode, Kernels
from pipeline.validation import Checked

RESULTS_FILE = Path("reports/fits.json")
DOCS_FILE = Path("docs/boards.md")
#: Sides of square images with published results (paper, section 6.1).
RESOLUTIONS = (96, 128, 160, 192, 224)


class Row(Checked):
    """One board with one engine.

    Attributes:
        arena_bytes: planned for width 0.35 and 96x96 pixels; all other numbers of bytes are of that network too.
        constant_bytes: weights, biases, multipliers and shifts.
        beside: by region, what the linked firmware takes beside these, stack included.
        widest: by the image's side, the largest width multiplier that fits; None where not even 0.35 does.
    """

    target: str
    core: str
    kernels: Kernels
    input: InputMode
    arena_bytes: PositiveInt
    constant_bytes: PositiveInt
    beside: dict[str, int]
    widest: dict[int, PositiveFloat | None]


class Results(Checked):
    """One run."""

    classes: PositiveInt
    rows: tuple[Row, ...]


def fits_table(results: Results) -> str:
    """The widest network by resolution."""
    head = ("Board", "Core", "Kernels", "Input", *(f"{side}\u00d7{side}" for side in RESOLUTIONS))
    return markdown_table(head, map(_cells, results.rows))


def _cells(row: Row) -> Sequence[str]:
    widths = (row.widest.get(side) for side in RESOLUTIONS)
    cells = (UNKNOWN if width is None else f"{width:g}" for width in widths)
    return (f"`{row.target}`", row.core, row.kernels, row.input, *cells)


def update_docs(results: Results, path: Path = DOCS_FILE) -> None:
    """Make the table again."""
    replace_tables(path, {"fits": fits_table(results)})

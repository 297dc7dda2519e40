"""The tables and the picture of docs/quantisation.md: made from reports/quantisation.json, no number typed by hand."""

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.quantisation.figure import curve_picture
from benchmarks.quantisation.results import Results, Row, Table
from pipeline.files import atomic_file
from pipeline.report.format import UNKNOWN, decibels, family, grouped, interval, percent, points
from pipeline.report.markdown import markdown_table, replace_tables

DOCS_FILE = Path("docs/quantisation.md")
PICTURE = "quantisation-curve.svg"

_SCORES = ("Logit SQNR", "Same class as float", "Drop, points (95 %)")


def comparison_table(results: Results) -> str:
    """Our quantisation and others'."""
    head = ("Method", "Computed by", "Images", *_SCORES, "Seconds", "of processor time")
    cells = [
        (row.method, _computer(row), grouped(row.calibration_images), *_scores(row), *_seconds(row))
        for row in _of(results, "comparison")
    ]
    return markdown_table(head, [*cells, *_missing(results, "comparison", len(head))])


def ablation_table(results: Results) -> str:
    """What each method is worth."""
    head = ("Methods", *_SCORES)
    cells = [(row.method, *_scores(row)) for row in _of(results, "ablation")]
    return _table_of_part(results, "ablation", head, cells)


def curve_table(results: Results) -> str:
    """How many images it takes, drawn and in numbers."""
    head = ("Images", *_SCORES)
    cells = [(grouped(row.calibration_images), *_scores(row)) for row in _of(results, "curve")]
    picture = f"![Logit signal to noise over the number of photographs]({PICTURE})\n\n" if cells else ""
    return picture + _table_of_part(results, "curve", head, cells)


def times_table(results: Results) -> str:
    """How long it takes."""
    head = ("Network", "Images", "Seconds", "of processor time")
    cells = [
        (f"`{row.network}`", grouped(row.calibration_images), f"{row.seconds:.0f}", f"{row.cpu_seconds:.0f}")
        for row in results.times
    ]
    return markdown_table(head, cells)


def tools_table(results: Results) -> str:
    """Versions of all that took part."""
    return markdown_table(("Tool", "Version"), ((name, results.tools[name]) for name in sorted(results.tools)))


def test_table(results: Results) -> str:
    """What it was measured on."""
    head = ("Test images", "Top-1 of the float network")
    return markdown_table(head, [(grouped(results.samples), percent(results.fp32))])


TABLES: dict[str, Callable[[Results], str]] = {
    "test": test_table,
    "comparison": comparison_table,
    "ablation": ablation_table,
    "curve": curve_table,
    "times": times_table,
    "tools": tools_table,
}


def update_docs(results: Results, path: Path = DOCS_FILE) -> None:
    """Replace what lies between the markers of each table, and the picture beside the page.

    Raises:
        SixfoldError: the file cannot be read, or has not each marker once and in order.
    """
    replace_tables(path, {name: table(results) for name, table in TABLES.items()})
    if curve := _of(results, "curve"):
        with atomic_file(path.with_name(PICTURE)) as temporary:
            temporary.write_text(curve_picture(curve), encoding="utf-8")


def _of(results: Results, table: Table) -> list[Row]:
    return [row for row in results.rows if row.table == table]


def _table_of_part(results: Results, table: Table, head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """The table, or that this part was left out."""
    missing = _missing(results, table, len(head))
    if not cells and not missing:
        return f"Not measured in the run that made this page; `--{table}` does.\n"
    return markdown_table(head, [*cells, *missing])


def _computer(row: Row) -> str:
    return "ONNX Runtime" if row.computed_by == "onnxruntime" else f"reference, {family(row.computed_by)}"


def _scores(row: Row) -> Sequence[str]:
    return decibels(row.sqnr_db), percent(row.agreement), f"{points(row.drop)} ({interval(row.drop_ci95)})"


def _seconds(row: Row) -> Sequence[str]:
    return f"{row.seconds:.0f}", f"{row.cpu_seconds:.0f}"


def _missing(results: Results, table: Table, columns: int) -> list[tuple[str, ...]]:
    return [
        (row.method, f"not run: {row.reason}", *[UNKNOWN] * (columns - 2))
        for row in results.missing
        if row.table == table
    ]

"""The schema of reports/verified.json and the table in docs/raspberry-pi.md that is made from it."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveInt

from pipeline.report.format import UNKNOWN, grouped
from pipeline.report.markdown import markdown_table, replace_tables
from pipeline.validation import Checked

RESULTS_FILE = Path("reports/verified.json")
DOCS_FILE = Path("docs/raspberry-pi.md")

Count = Annotated[int, Field(ge=0)]


class NetworkFacts(Checked):
    """A network.

    Attributes:
        name: of the data set that it classifies.
        input: height, width, channels.
        sha256: of the int8 model's file.
    """

    name: str
    input: tuple[PositiveInt, PositiveInt, PositiveInt]
    sha256: str


class Row(Checked):
    """One target's verification on one network.

    Attributes:
        reference: the arithmetic family whose codes it must have.
        samples: test images.
        elements: output codes of these.
        mismatched: of them, how many differ.
        max_lsb: by how many steps at most.
    """

    network: str
    target: str
    reference: str
    samples: PositiveInt
    elements: PositiveInt
    mismatched: Count
    max_lsb: Count


class Results(Checked):
    """The networks, and what was verified on each."""

    networks: tuple[NetworkFacts, ...]
    rows: tuple[Row, ...]


def table(results: Results) -> str:
    """A line a target, a column a network; a dash where it was not verified."""
    head = ["Target", "Must equal", *map(_title, results.networks)]
    found = {(row.target, row.network): row for row in results.rows}
    targets = {row.target: row.reference for row in results.rows}
    lines = []
    for target, reference in targets.items():
        cells = (_cell(found.get((target, network.name))) for network in results.networks)
        lines.append([f"`{target}`", f"`{reference}`", *cells])
    return markdown_table(head, lines)


def _title(network: NetworkFacts) -> str:
    shape = "\u00d7".join(map(str, network.input))
    return f"{network.name}, {shape}"


def _cell(row: Row | None) -> str:
    if row is None:
        return UNKNOWN
    differ = f"{grouped(row.mismatched)} of {grouped(row.elements)} codes"
    steps = f", at most {row.max_lsb} LSB" if row.mismatched else ""
    return f"{differ}{steps}; {grouped(row.samples)} images"


def update_docs(results: Results, path: Path = DOCS_FILE) -> None:
    """Make the table again."""
    replace_tables(path, {"verified": table(results)})

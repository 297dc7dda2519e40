"""The schema of reports/profile.json and the tables in docs/profile.md that are made from it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Field

from pipeline.profile.results import Profile
from pipeline.profile.tables import HEAD, layer_rows
from pipeline.report.format import UNKNOWN, grouped
from pipeline.report.markdown import markdown_table, replace_tables
from pipeline.targets import InputMode, Kernels
from pipeline.validation import Checked

RESULTS_FILE = Path("reports/profile.json")
DOCS_FILE = Path("docs/profile.md")

Kind: TypeAlias = Literal["first convolution", "1x1 convolution", "depthwise", "addition", "pooling", "classifier"]
_KINDS: tuple[Kind, ...] = get_args(Kind)
Count = Annotated[int, Field(ge=0)]
#: Layers that the page lists of each profile of these networks and cores; the others are in the file.
_WORST = 8
_LISTED = (("mbv2-035-96", "cortex-m4"), ("mbv2-035-96", "cortex-m55"))


class KindWork(Checked):
    """All layers of one kind together."""

    instructions: Count
    macs: Count


class Row(Checked):
    """One network on one emulated board with one kernel library."""

    network: str
    core: str
    kernels: Kernels
    input: InputMode
    profile: Profile
    kinds: dict[Kind, KindWork]

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """What it is."""
        return (f"`{self.network}`", self.core, self.kernels, self.input)


class Results(Checked):
    """One run."""

    rows: tuple[Row, ...]


_CASE = ("Network", "Core", "Kernels", "Input")


def inferences_table(results: Results) -> str:
    """Whole inferences: the last row of each profile, and what the multiplying instructions did."""
    head = (*_CASE, HEAD[2], *HEAD[4:], "Products by MACs")
    return markdown_table(head, map(_inference_cells, results.rows))


def _inference_cells(row: Row) -> Sequence[str]:
    whole = layer_rows(row.profile)[-1]
    return (*row.cells, whole[2], *whole[4:], f"{row.profile.products / row.profile.macs:.2f}")


def kinds_table(results: Results) -> str:
    """Share of each kind of operator, and its instructions for each multiply-add."""
    return markdown_table((*_CASE, *_KINDS), map(_kind_cells, results.rows))


def _kind_cells(row: Row) -> Sequence[str]:
    return (*row.cells, *(_kind_cell(row, kind) for kind in _KINDS))


def _kind_cell(row: Row, kind: Kind) -> str:
    work = row.kinds.get(kind)
    if work is None:
        return UNKNOWN
    each = f", {work.instructions / work.macs:.2f} a MAC" if work.macs else ""
    return f"{grouped(work.instructions)}{each}"


def worst_table(results: Results) -> str:
    """The layers that are farthest from the bound."""
    return markdown_table(
        (*_CASE[1:], *HEAD),
        (
            (*row.cells[1:], *cells)
            for row in results.rows
            if (row.network, row.core) in _LISTED
            for cells in layer_rows(row.profile, _WORST)[: len(row.profile.worst[:_WORST])]
        ),
    )


TABLES = {"inferences": inferences_table, "kinds": kinds_table, "worst": worst_table}


def update_docs(results: Results, path: Path = DOCS_FILE) -> None:
    """Make the tables again.

    Raises:
        SixfoldError: the page cannot be read, or has not each marker once and in order.
    """
    replace_tables(path, {name: table(results) for name, table in TABLES.items()})

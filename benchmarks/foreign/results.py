"""The schema of reports/foreign.json and the table in docs/import.md that is made from it."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveInt

from pipeline.report.format import grouped
from pipeline.report.markdown import markdown_table, replace_tables
from pipeline.validation import Checked

RESULTS_FILE = Path("reports/foreign.json")
DOCS_FILE = Path("docs/import.md")

Count = Annotated[int, Field(ge=0)]


class Difference(Checked):
    """Codes that differ from the reference of the imported graph."""

    compared: PositiveInt
    mismatched: Count
    max_lsb: Count

    def __str__(self) -> str:
        if not self.mismatched:
            return f"equal ({grouped(self.compared)})"
        return f"{grouped(self.mismatched)} of {grouped(self.compared)} differ, at most {self.max_lsb} LSB"


class FileRow(Checked):
    """One file.

    Attributes:
        operators: of the imported graph.
        litert_tensors: LiteRT's reference kernels, every tensor but the logits.
        litert_logits: the same, the logits.
        tflm_logits: TensorFlow Lite Micro's interpreter, the logits.
    """

    name: str
    input: tuple[int, int, int]
    operators: PositiveInt
    samples: PositiveInt
    litert_tensors: Difference
    litert_logits: Difference
    tflm_logits: Difference


class ForeignResults(Checked):
    """One run."""

    package: str
    litert: str
    tflm: str
    files: tuple[FileRow, ...]


def update_docs(results: ForeignResults) -> None:
    """Make the table again."""
    head = ("File", "Input", "Operators", "LiteRT, all tensors but the logits", "LiteRT, logits", "TFLM, logits")
    rows = (
        (
            f"`{row.name}`",
            "x".join(map(str, row.input)),
            str(row.operators),
            str(row.litert_tensors),
            str(row.litert_logits),
            str(row.tflm_logits),
        )
        for row in results.files
    )
    replace_tables(DOCS_FILE, {"foreign": markdown_table(head, rows)})

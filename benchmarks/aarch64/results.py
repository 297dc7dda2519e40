"""The schema of reports/aarch64.json and the table in docs/raspberry-pi.md that is made from it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, PositiveInt

from pipeline.report.format import grouped
from pipeline.report.markdown import markdown_table, replace_tables
from pipeline.validation import Checked

RESULTS_FILE = Path("reports/aarch64.json")
DOCS_FILE = Path("docs/raspberry-pi.md")

Engine: TypeAlias = Literal["tvm", "onnxruntime", "litert"]
_NAMES: dict[Engine, str] = {"tvm": "TVM", "onnxruntime": "ONNX Runtime", "litert": "LiteRT"}


class Row(Checked):
    """One network in one engine on one emulated core.

    Attributes:
        instructions: executed in an inference, the median of those that were counted; neither cycles nor time.
        least: of those that were counted.
        most: likewise.
        mismatched: of `compared` output codes, how many differ from the engine's reference.
        version: of the engine.
        qemu: version of the emulator.
    """

    network: str
    core: str
    engine: Engine
    instructions: PositiveInt
    least: PositiveInt
    most: PositiveInt
    macs: PositiveInt
    mismatched: Annotated[int, Field(ge=0)]
    compared: PositiveInt
    version: str
    qemu: str


class Results(Checked):
    """One run."""

    rows: tuple[Row, ...]


def table(results: Results) -> str:
    """Engines side by side."""
    head = (
        "Network",
        "Core",
        "Engine",
        "Instructions",
        "Least to most",
        "An instruction's multiply-adds",
        "Codes that differ",
    )
    return markdown_table(head, map(_cells, results.rows))


def _cells(row: Row) -> Sequence[str]:
    return (
        f"`{row.network}`",
        row.core,
        f"{_NAMES[row.engine]} {row.version}",
        grouped(row.instructions),
        "equal" if row.least == row.most else f"{grouped(row.least)} to {grouped(row.most)}",
        f"{row.macs / row.instructions:.2f}",
        f"{row.mismatched} of {row.compared}",
    )


def update_docs(results: Results, path: Path = DOCS_FILE) -> None:
    """Make the table again."""
    replace_tables(path, {"aarch64": table(results)})

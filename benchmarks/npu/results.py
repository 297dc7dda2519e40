"""The schema of reports/npu.json and the tables in docs/ethos-u.md that are made from it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from pipeline.report.format import UNKNOWN, grouped, size
from pipeline.report.markdown import markdown_table, replace_tables
from pipeline.validation import Checked

RESULTS_FILE = Path("reports/npu.json")
DOCS_FILE = Path("docs/ethos-u.md")

Count = Annotated[int, Field(ge=0)]


class Cost(Checked):
    """Vela's estimate of one inference, and whether the functional model computes the reference's codes.

    Attributes:
        compute_ms: what it would take if no memory ever made the NPU wait.
        arena_bytes: of all memories.
        sram_bytes: of these, SRAM.
        file_bytes: of the compiled file.
        npu_share: fraction of the operators on the NPU.
        mismatched: of `compared` output codes; None where there is no model.
    """

    ms: PositiveFloat
    compute_ms: PositiveFloat
    arena_bytes: PositiveInt
    sram_bytes: PositiveInt
    file_bytes: PositiveInt
    npu_share: Annotated[float, Field(ge=0, le=1)]
    mismatched: Count | None
    compared: Count


class TargetRow(Checked):
    """One network on one target, compiled as the target file says."""

    network: str
    target: str
    cost: Cost


class LimitRow(Checked):
    """One network on one target with another limit of the arena."""

    network: str
    target: str
    limit: PositiveInt | None
    cost: Cost


class VariantRow(Checked):
    """One network on one target, written or compiled in another way."""

    network: str
    target: str
    variant: str
    cost: Cost


class RoundingRow(Checked):
    """How the command stream asks the NPU to round the results of one kind of operation."""

    target: str
    operation: str
    rounding: str
    operations: PositiveInt


class NpuResults(Checked):
    """One run."""

    vela: str
    targets: tuple[TargetRow, ...]
    limits: tuple[LimitRow, ...]
    variants: tuple[VariantRow, ...]
    rounding: tuple[RoundingRow, ...]


def _cells(cost: Cost) -> Sequence[str]:
    return (f"{cost.ms:.3f}", size(cost.sram_bytes), size(cost.file_bytes), _differs(cost))


def _differs(cost: Cost) -> str:
    return UNKNOWN if cost.mismatched is None else f"{grouped(cost.mismatched)} of {grouped(cost.compared)}"


def targets_table(results: NpuResults) -> str:
    """Every target."""
    head = (
        "Network",
        "Target",
        "ms",
        "of these computing",
        "SRAM",
        "all arenas",
        "file",
        "on the NPU",
        "codes that differ",
    )
    return markdown_table(
        head,
        (
            (
                f"`{row.network}`",
                f"`{row.target}`",
                f"{row.cost.ms:.3f}",
                f"{row.cost.compute_ms:.3f}",
                size(row.cost.sram_bytes),
                size(row.cost.arena_bytes),
                size(row.cost.file_bytes),
                f"{row.cost.npu_share:.0%}",
                _differs(row.cost),
            )
            for row in results.targets
        ),
    )


def limits_table(results: NpuResults) -> str:
    """How speed follows from SRAM."""
    return markdown_table(
        ("Network", "Target", "SRAM to aim at", "ms", "SRAM", "file", "codes that differ"),
        (
            (f"`{row.network}`", f"`{row.target}`", "free" if row.limit is None else size(row.limit), *_cells(row.cost))
            for row in results.limits
        ),
    )


def variants_table(results: NpuResults) -> str:
    """What choices give."""
    return markdown_table(
        ("Network", "Target", "Choice", "ms", "SRAM", "file", "codes that differ"),
        ((f"`{row.network}`", f"`{row.target}`", row.variant, *_cells(row.cost)) for row in results.variants),
    )


def rounding_table(results: NpuResults) -> str:
    """Rounding modes in the command streams."""
    return markdown_table(
        ("Target", "Operation", "Rounding mode", "Operations"),
        ((f"`{row.target}`", row.operation, row.rounding, grouped(row.operations)) for row in results.rounding),
    )


TABLES: dict[str, Callable[[NpuResults], str]] = {
    "targets": targets_table,
    "limits": limits_table,
    "variants": variants_table,
    "rounding": rounding_table,
}


def update_docs(results: NpuResults, path: Path = DOCS_FILE) -> None:
    """Replace what lies between the markers of each table.

    Raises:
        SixfoldError: the file cannot be read, or has not each marker once and in order.
    """
    replace_tables(path, {name: table(results) for name, table in TABLES.items()})

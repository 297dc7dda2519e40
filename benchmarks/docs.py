"""The tables of docs/benchmarks.md: made from reports/bench.json, so that no number in them is typed by hand."""

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.results import BoardRow, HostRow, NetworkRow, Results
from pipeline.report.format import UNKNOWN, grouped
from pipeline.report.markdown import markdown_table, replace_tables

DOCS_FILE = Path("docs/benchmarks.md")
#: The kernel library that the others are compared with.
_PEER = "cmsis-nn"


def networks_table(results: Results) -> str:
    """What the networks are."""
    head = ("Network", "Width", "Input", "Classes", "Multiply-adds", "Parameters", "Weights")
    return markdown_table(head, map(_network_cells, results.networks))


def _network_cells(row: NetworkRow) -> Sequence[str]:
    shape = "\u00d7".join(map(str, row.input))
    return (
        f"`{row.name}`",
        f"{row.width:g}",
        shape,
        grouped(row.classes),
        grouped(row.macs),
        grouped(row.parameters),
        row.weights,
    )


def boards_table(results: Results) -> str:
    """Instructions and memory on emulated boards; all memory in bytes."""
    head = (
        *("Network", "Core", "Kernels", "Input", "Instructions", "Multiply-adds an instruction"),
        *("RAM", "Stack", "Flash", "Code", "Codes that differ", "Where"),
    )
    return markdown_table(head, map(_board_cells, results.boards))


def _board_cells(row: BoardRow) -> Sequence[str]:
    return (
        f"`{row.network}`",
        row.core,
        row.kernels,
        row.input,
        grouped(row.instructions),
        f"{row.macs / row.instructions:.3f}",
        *map(grouped, (row.ram_bytes, row.stack_bytes, row.flash_bytes, row.code_bytes, row.mismatched)),
        row.where,
    )


def ratios_table(results: Results) -> str:
    """Our kernels against CMSIS-NN in the same run: its numbers by ours, above 1 where ours take less."""
    head = ("Network", "Core", "Kernels", "Input", "Instructions", "RAM", "Stack", "Flash", "Code")
    peers = {(row.network, row.core): row for row in results.boards if row.kernels == _PEER}
    ours = (row for row in results.boards if row.kernels != _PEER)
    return markdown_table(head, (_ratio_cells(row, peers.get((row.network, row.core))) for row in ours))


def _ratio_cells(row: BoardRow, peer: BoardRow | None) -> Sequence[str]:
    values = ("instructions", "ram_bytes", "stack_bytes", "flash_bytes", "code_bytes")
    ratios = (f"{getattr(peer, name) / getattr(row, name):.2f}" if peer else UNKNOWN for name in values)
    return (f"`{row.network}`", row.core, row.kernels, row.input, *ratios)


def host_table(results: Results) -> str:
    """This computer's runtimes as ratios: the milliseconds are in the JSON and promise nothing elsewhere."""
    head = ("Network", "Runtime", "Time by the fastest", "Runs", "Codes that differ", "Operators alone", "Where")
    return markdown_table(head, map(_host_cells, results.host))


def _host_cells(row: HostRow) -> Sequence[str]:
    return (
        f"`{row.network}`",
        row.runtime,
        f"{row.ratio:.2f}",
        grouped(row.runs),
        f"{grouped(row.mismatched)} of {grouped(row.compared)}" + (f", {_at_most(row.max_lsb)}" if row.max_lsb else ""),
        UNKNOWN if row.operator_lsb is None else _at_most(row.operator_lsb),
        row.where,
    )


def _at_most(steps: int) -> str:
    return f"at most {steps} LSB"


def tools_table(results: Results) -> str:
    """Versions of all that took part."""
    return markdown_table(("Tool", "Version"), ((name, results.tools[name]) for name in sorted(results.tools)))


TABLES: dict[str, Callable[[Results], str]] = {
    "networks": networks_table,
    "boards": boards_table,
    "ratios": ratios_table,
    "host": host_table,
    "tools": tools_table,
}


def update_docs(results: Results, path: Path = DOCS_FILE) -> None:
    """Replace what lies between the markers of each table; all else stays as it is.

    Raises:
        SixfoldError: the file cannot be read, or has not each marker once and in order.
    """
    replace_tables(path, {name: table(results) for name, table in TABLES.items()})

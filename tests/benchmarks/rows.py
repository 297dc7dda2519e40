"""Rows to test with: no numbers of any run."""

from typing import Any

from benchmarks.results import BoardRow, HostRow, NetworkRow, Results

#: The row as the design has it, field for field.
BOARD: dict[str, Any] = {
    "network": "mbv2-035-96",
    "core": "cortex-m4",
    "where": "qemu-system mps2-an386",
    "kernels": "portable",
    "input": "frame",
    "instructions": 2_000_000,
    "macs": 1_000_000,
    "ram_bytes": 3000,
    "stack_bytes": 200,
    "flash_bytes": 50_000,
    "code_bytes": 6000,
    "mismatched": 0,
}
HOST: dict[str, Any] = {
    "network": "mbv2-035-96",
    "runtime": "openvino",
    "where": "a processor, 1 thread",
    "ms": 1.23456,
    "runs": 150,
    "ratio": 1.5,
    "mismatched": 7,
    "compared": 80,
    "max_lsb": 3,
    "operator_lsb": 1,
}
NETWORK: dict[str, Any] = {
    "name": "mbv2-035-96",
    "width": 0.35,
    "input": (96, 96, 3),
    "classes": 10,
    "macs": 1_000_000,
    "parameters": 400_000,
    "weights": "seeded",
    "graph_sha256": "0" * 64,
}


def results(boards: int = 2, host: int = 2) -> Results:
    """Rows in the opposite of their sorted order."""
    return Results(
        networks=(NetworkRow(**NETWORK), NetworkRow(**NETWORK | {"name": "a"})),
        boards=tuple(BoardRow(**BOARD | {"core": core}) for core in ("cortex-m7", "cortex-m4")[:boards]),
        host=(
            HostRow(**HOST),
            HostRow(**HOST | {"runtime": "onnxruntime", "mismatched": 0, "max_lsb": 0, "operator_lsb": None}),
        )[:host],
        tools={"b": "2", "a": "1|"},
    )

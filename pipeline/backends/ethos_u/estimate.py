"""Vela's own report, parsed: what it expects one inference to cost. Estimates, not measurements."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.errors import SixfoldError
from pipeline.graph import cost
from pipeline.graph.ir import IntegerGraph
from pipeline.validation import Checked

Count = Annotated[int, Field(ge=0)]

#: Vela writes sizes in KiB with binary fractions, so that whole bytes come back exactly.
_KIB = 1024


class OperatorEstimate(Checked):
    """One operator of the ``.tflite`` file.

    Attributes:
        name: the graph's operator; the output tensor's where the graph has none.
        tensor: name of its output.
        kind: as Vela calls it, for example ``DepthwiseConv2D``.
        npu: False for one that is left to the CPU.
        cycles: of the NPU's clock; what is fused into an operator has its cycles there.
        macs: multiply-adds by our count.
    """

    name: str
    tensor: str
    kind: str
    npu: bool
    cycles: Count
    macs: Count = 0


class Estimate(Checked):
    """What Vela expects of one inference.

    Attributes:
        cycles: until the result is there; of the NPU's clock.
        compute_cycles: of these, how many the NPU would need if no memory ever made it wait.
        ms: `cycles` at `clock_hz`.
        sram_bytes: the most that is in use at once, input and output included.
        dram_bytes: arena and constants where the memory mode puts them there.
        flash_bytes: constants where the memory mode puts them there.
        arena_limit: bytes of SRAM that Vela was told to aim at; None where it was free.
    """

    vela: str
    accelerator: str
    system_config: str
    memory_mode: str
    arena_limit: Count | None
    clock_hz: Count
    cycles: Count
    compute_cycles: Count
    ms: Annotated[float, Field(ge=0)]
    sram_bytes: Count
    dram_bytes: Count
    flash_bytes: Count
    operators: tuple[OperatorEstimate, ...]

    @property
    def on_cpu(self) -> tuple[OperatorEstimate, ...]:
        """The operators that the NPU does not take."""
        return tuple(operator for operator in self.operators if not operator.npu)

    @property
    def npu_share(self) -> float:
        """Fraction of the operators that run on the NPU."""
        return 1 - len(self.on_cpu) / len(self.operators) if self.operators else 0.0


def in_terms_of(graph: IntegerGraph, estimate: Estimate) -> Estimate:
    """The same estimate with the graph's names and multiply-adds at its operators."""
    macs = cost.macs(graph)
    names = {operator.output: operator.name for operator in graph.operators}
    operators = []
    for operator in estimate.operators:
        name = names.get(operator.tensor, operator.name)
        operators.append(operator.model_copy(update={"name": name, "macs": macs.get(name, 0)}))
    return estimate.model_copy(update={"operators": tuple(operators)})


def read_estimate(summary: Path, layers: Path, version: str, arena_limit: int | None) -> Estimate:
    """Parse the two files that Vela writes.

    Args:
        summary: the ``_summary_`` file: one line of totals.
        layers: the ``_per-layer`` file: a line for each operator, and for each that was fused into one.
        version: Vela's.
        arena_limit: what Vela was told.

    Raises:
        SixfoldError: a file is missing, or has not the columns that Vela 5 writes.
    """
    try:
        (totals,) = _rows(summary)
        clock_hz = round(float(totals["core_clock"]))
        cycles = int(float(totals["cycles_total"]))
        return Estimate(
            vela=version,
            accelerator=totals["accelerator_configuration"],
            system_config=totals["system_config"],
            memory_mode=totals["memory_mode"],
            arena_limit=arena_limit,
            clock_hz=clock_hz,
            cycles=cycles,
            compute_cycles=int(float(totals["cycles_npu"])),
            ms=cycles / clock_hz * 1e3,
            sram_bytes=_bytes(totals["sram_memory_used"]),
            dram_bytes=_bytes(totals["dram_memory_used"]),
            flash_bytes=_bytes(totals["on_chip_flash_memory_used"]) + _bytes(totals["off_chip_flash_memory_used"]),
            operators=_operators(_rows(layers)),
        )
    except (OSError, KeyError, ValueError, ZeroDivisionError) as error:
        raise SixfoldError(f"{summary.name}, {layers.name}: not what Vela 5 writes ({error!r})") from error


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _bytes(kibibytes: str) -> int:
    return round(float(kibibytes) * _KIB)


def _operators(rows: list[dict[str, str]]) -> tuple[OperatorEstimate, ...]:
    """One entry for each tensor: Vela lists an activation that it fuses, or a part that it splits off, as a line of
    its own with the same output.
    """
    found: dict[str, OperatorEstimate] = {}
    for row in rows:
        name, before = row["Name"], found.get(row["Name"])
        cycles, npu = int(float(row["Op Cycles"])), row["Target"] == "NPU"
        if before is None:
            found[name] = OperatorEstimate(
                name=name, tensor=name, kind=row["Original Operator"], npu=npu, cycles=cycles
            )
        else:
            update: Mapping[str, object] = {"cycles": before.cycles + cycles, "npu": before.npu and npu}
            found[name] = before.model_copy(update=update)
    return tuple(found.values())

"""Measured schedules: a small file per instruction set, an input of the build.

`sixfold tune TARGET` measures every kernel of the current graph and adds what is new. The file has one entry per shape
of a kernel, sorted, so that two people's measurements merge.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tvm
from pydantic import Field

from pipeline.backends.tvm.isa import InstructionSet
from pipeline.backends.tvm.plan import Kernel, Plan
from pipeline.backends.tvm.schedule import Order, Schedule
from pipeline.files import read_json, write_json
from pipeline.graph.ir import IntegerGraph
from pipeline.validation import Checked, validate

FOLDER = Path(__file__).parent / "tuned"

#: A kernel's time is the least of this many runs, in batches of at least the given seconds.
_RUNS = 5
_SECONDS = 0.002


class _Entry(Checked):
    pixels: Annotated[int, Field(ge=1, le=64)]
    blocks: Annotated[int, Field(ge=1, le=64)]
    order: Order


class _Database(Checked):
    schedules: dict[str, _Entry]


def load_schedules(isa: InstructionSet, folder: Path = FOLDER) -> dict[str, Schedule]:
    """Everything measured for an instruction set, by kernel shape; nothing measured is no error.

    Raises:
        SixfoldError: the file is damaged; names the field.
    """
    path = _path(isa, folder)
    if not path.is_file():
        return {}
    entries = validate(_Database, read_json(path), str(path)).schedules
    return {key: Schedule(entry.pixels, entry.blocks, entry.order) for key, entry in entries.items()}


def save_schedules(isa: InstructionSet, schedules: Mapping[str, Schedule], folder: Path = FOLDER) -> None:
    """Write the file, sorted."""
    rows = {
        key: {"pixels": each.pixels, "blocks": each.blocks, "order": each.order}
        for key, each in sorted(schedules.items())
    }
    folder.mkdir(exist_ok=True)
    write_json(_path(isa, folder), {"schedules": rows})


def unmeasured(graph: IntegerGraph, isa: InstructionSet, folder: Path = FOLDER) -> dict[str, Kernel]:
    """One kernel of each shape that the file lacks."""
    known = load_schedules(isa, folder)
    plan = Plan(graph, isa)
    return {k.tunable.key: k for k in plan.kernels() if k.tunable is not None and k.tunable.key not in known}


def tune(
    graph: IntegerGraph,
    isa: InstructionSet,
    folder: Path = FOLDER,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Measure every kernel shape that the file lacks, on this computer, one thread; returns how many.

    The file is written after each shape: what was measured before an interruption stays.
    """
    todo = unmeasured(graph, isa, folder)
    plan = Plan(graph, isa)
    for key, kernel in todo.items():
        assert kernel.tunable is not None
        best = min(kernel.tunable.candidates, key=lambda schedule: _seconds(plan, kernel, isa, schedule))
        save_schedules(isa, {**load_schedules(isa, folder), key: best}, folder)
        if progress is not None:
            progress(1)
    return len(todo)


def _seconds(plan: Plan, kernel: Kernel, isa: InstructionSet, schedule: Schedule) -> float:
    """One call of the kernel on zeros: its time does not depend on the values."""
    named = kernel.build(schedule).with_attr("global_symbol", "kernel")
    library = tvm.compile(tvm.IRModule({"kernel": named}), target=tvm.target.Target(dict(isa.llvm)))
    sizes = [plan.storage[name].size for name in (*kernel.inputs, kernel.output)]
    buffers = [tvm.runtime.tensor(np.zeros(size, isa.activations)) for size in sizes]
    arguments: list[Any] = [*buffers[:-1], *map(tvm.runtime.tensor, kernel.constants), buffers[-1]]
    function = library["kernel"]
    function(*arguments)
    calls = 1
    times: list[float] = []
    while len(times) < _RUNS:
        start = time.perf_counter()
        for _ in range(calls):
            function(*arguments)
        taken = time.perf_counter() - start
        if taken < _SECONDS:
            calls *= 2
        else:
            times.append(taken / calls)
    return min(times)


def _path(isa: InstructionSet, folder: Path) -> Path:
    return folder / f"{isa.name}.json"

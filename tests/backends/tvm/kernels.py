"""Runs a plan's kernels one after the other on this computer and keeps every tensor."""

from collections.abc import Mapping

import numpy as np
import tvm

from pipeline.backends.tvm import kernels
from pipeline.backends.tvm.isa import INSTRUCTION_SETS, InstructionSet
from pipeline.backends.tvm.plan import Plan
from pipeline.backends.tvm.schedule import Schedule
from pipeline.backends.tvm.storage import Storage
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.runners.host import cpu_flags

#: Those that this processor executes.
HERE = [isa for isa in INSTRUCTION_SETS.values() if isa.cpu_flags and cpu_flags().issuperset(isa.cpu_flags)]


def execute_kernels(
    graph: IntegerGraph, isa: InstructionSet, image: Int8Array, schedules: Mapping[str, Schedule]
) -> dict[str, Int8Array]:
    """Every tensor that a kernel writes, ``(height, width, channels)``, for one `image`."""
    plan = Plan(graph, isa)
    steps = list(plan.kernels())
    functions = {"input": kernels.import_image(isa, plan.storage[graph.input])}
    for position, step in enumerate(steps):
        functions[f"k{position}"] = step.build(schedules.get(step.tunable.key) if step.tunable else None)
    named = {name: function.with_attr("global_symbol", name) for name, function in functions.items()}
    library = tvm.compile(tvm.IRModule(named), target=tvm.target.Target(dict(isa.llvm)))

    def empty(name: str):
        # What nobody writes must not matter.
        return tvm.runtime.tensor(np.full(plan.storage[name].size, 77, isa.activations))

    values = {graph.input: empty(graph.input)}
    library["input"](tvm.runtime.tensor(image.reshape(-1)), values[graph.input])
    for position, step in enumerate(steps):
        values[step.output] = empty(step.output)
        constants = [tvm.runtime.tensor(constant) for constant in step.constants]
        library[f"k{position}"](*(values[name] for name in step.inputs), *constants, values[step.output])
    return {name: read(plan.storage[name], value.numpy(), isa) for name, value in values.items()}


def read(storage: Storage, stored: np.ndarray, isa: InstructionSet) -> Int8Array:
    """The tensor without border and padding channels, in the graph's codes."""
    border = storage.border
    rows = stored[: (storage.height + border.top + border.bottom) * storage.row]
    pixels = rows.reshape(-1, storage.width + border.left + border.right, storage.pixel)
    inside = pixels[border.top :, border.left :][: storage.height, : storage.width, : storage.channels]
    return (inside.astype(np.int16) - isa.offset).astype(np.int8)

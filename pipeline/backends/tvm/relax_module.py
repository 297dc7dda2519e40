"""The integer graph as a Relax module: one call per kernel, int8 in, int8 out, everything between in integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tvm
from tvm import relax

from pipeline.backends.tvm import kernels
from pipeline.backends.tvm.isa import InstructionSet
from pipeline.backends.tvm.plan import Kernel, Plan
from pipeline.backends.tvm.schedule import Schedule
from pipeline.graph.ir import IntegerGraph

#: The module's function: int8 ``(1, height, width, channels)`` to int8 ``(1, classes)``.
ENTRY = "main"


def relax_module(graph: IntegerGraph, isa: InstructionSet, schedules: Mapping[str, Schedule]) -> tvm.IRModule:
    """Write the graph for an instruction set.

    Args:
        graph: the integer graph.
        isa: what the code may use.
        schedules: measured ones by :attr:`Tunable.key`; what is missing gets its default.

    Raises:
        SixfoldError: an operator's numbers do not suit the instructions.
    """
    plan = Plan(graph, isa)
    chosen = list(plan.kernels())  # before the builder, which leaves no way out, is in use
    height, width, channels = graph.tensors[graph.input].shape
    classes = graph.tensors[graph.output].size
    image = relax.Var("image", relax.TensorType((1, height, width, channels), "int8"))
    builder = relax.BlockBuilder()
    writer = _Writer(builder)
    with builder.function(ENTRY, [image]):
        with builder.dataflow():
            dense = builder.emit(relax.op.reshape(image, (height * width * channels,)))
            source, scores = plan.storage[graph.input], plan.storage[graph.output]
            imported = writer.call("input", kernels.import_image(isa, source), [dense], source.size, isa.activations)
            values = {graph.input: imported}
            for kernel in chosen:
                function = kernel.build(schedules.get(kernel.tunable.key) if kernel.tunable else None)
                arguments = [*(values[name] for name in kernel.inputs), *map(relax.const, kernel.constants)]
                size = plan.storage[kernel.output].size
                values[kernel.output] = writer.call(kernel.name, function, arguments, size, isa.activations)
            exported = kernels.export_scores(isa, scores)
            codes = writer.call("output", exported, [values[graph.output]], classes, "int8")
            result = builder.emit_output(relax.op.reshape(codes, (1, classes)))
        builder.emit_func_output(result)
    return builder.finalize()


def untuned(kernels_of_graph: Iterable[Kernel], schedules: Mapping[str, Schedule]) -> list[str]:
    """Names of the kernels whose schedule was never measured."""
    return [each.name for each in kernels_of_graph if each.tunable and each.tunable.key not in schedules]


class _Writer:
    """Adds kernels to a module and calls them."""

    def __init__(self, builder: relax.BlockBuilder) -> None:
        self._builder = builder

    def call(self, name: str, function: Any, arguments: Sequence[Any], size: int, dtype: str) -> Any:
        # What is no letter or digit becomes an underscore; the builder makes doubles unique.
        identifier = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
        variable = self._builder.add_func(function, f"kernel_{identifier}")
        return self._builder.emit(relax.call_tir(variable, list(arguments), relax.TensorType((size,), dtype)))

"""The tables of `sixfold/streaming_model.h` for a plan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.backends.cortex_m.c_source import Array, array, c_shape, constants, description, render
from pipeline.backends.cortex_m.emitter import addition_fields
from pipeline.backends.cortex_m.guards import Zone
from pipeline.backends.cortex_m.memory_plan import ALIGNMENT
from pipeline.backends.cortex_m.streaming.buffers import UnitBuffers
from pipeline.backends.cortex_m.streaming.constants import packed_ending, packed_unit
from pipeline.backends.cortex_m.streaming.layout import Layout, Packed
from pipeline.backends.cortex_m.streaming.planner import Group, StreamingPlan, buffer_name, group_name, row_name
from pipeline.backends.cortex_m.streaming.structure import Unit
from pipeline.graph.ir import IntegerGraph

_NOWHERE = "SIXFOLD_NOWHERE"


@dataclass(frozen=True)
class _Addition:
    """A residual addition of one row."""

    name: str
    fields: tuple[str, ...]


def emit_streaming(
    graph: IntegerGraph, layout: Layout, plan: StreamingPlan, zones: Sequence[Zone] = ()
) -> dict[str, str]:
    """Generate the model's C files.

    Args:
        graph: the integer graph.
        layout: of the kernels' build.
        plan: its schedule.
        zones: guard zones that the model checks after every step of a unit; none in a firmware for use.

    Returns:
        File name (``model.c``, ``model.h``) to text; ASCII, the same for the same arguments.
    """
    tables = _Tables(graph, layout, plan)
    units = [unit for group in plan.groups for unit in tables.group(group)]
    parts, ending = tables.ending()
    offsets = plan.memory.offsets
    values: dict[str, Any] = {
        **description(graph),
        "header": "sixfold/streaming_model.h",
        "pushed": plan.pushed,
        "input_offset": offsets.get(graph.input),
        "output_offset": offsets[graph.output],
        "arena_bytes": plan.memory.arena_bytes,
        "alignment": ALIGNMENT,
        "names": list(plan.memory.live_bytes),
        "constants": constants(tables.arrays),
        "arrays": tables.arrays,
        "additions": tables.additions,
        "units": units,
        "groups": list(_groups(plan)),
        "parts": parts,
        "ending": ending,
        "most_units": plan.most_units,
        "zones": zones,
    }
    return {"model.c": render("streaming.c.j2", values), "model.h": render("model.h.j2", values)}


def _groups(plan: StreamingPlan) -> Iterator[tuple[int | str, ...]]:
    first = 0
    for index, group in enumerate(plan.groups):
        whole = not (plan.pushed and index == 0)
        yield first, len(group.units), plan.memory.offsets[group.units[0].input] if whole else _NOWHERE
        first += len(group.units)


class _Tables:
    """Collects constant arrays while it writes the structs that point to them."""

    def __init__(self, graph: IntegerGraph, layout: Layout, plan: StreamingPlan) -> None:
        self.arrays: list[Array] = []
        self.additions: list[_Addition] = []
        self._graph, self._layout, self._plan = graph, layout, plan
        self._offsets = plan.memory.offsets

    def group(self, group: Group) -> Iterator[list[str]]:
        """Initialisers of a group's units, field by field."""
        layer = group_name(group.operators)
        for index, (unit, buffers) in enumerate(zip(group.units, group.buffers.units, strict=True)):
            _, width, channels = self._graph.tensors[unit.output].shape
            last = index == len(group.units) - 1
            name = unit.output if last else row_name(layer, index)
            yield [
                *self._operators(unit),
                f".strip = {buffers.cut.strip}",
                *self._places(unit, buffers, layer),
                f".output_at = {self._offsets[name]}",
                f".output_step = {width * channels if last else 0}",
            ]

    def ending(self) -> tuple[list[str], list[str]]:
        """The parts of the last convolution, and the fields of the ending."""
        ending, buffers = self._plan.ending, self._plan.ending_buffers
        packed, classifier = packed_ending(self._graph, self._layout, ending, buffers.parts)
        height, width, channels = self._graph.tensors[ending.expand.input].shape
        parts = [
            self._struct((channels, part), ending.expand.output, words)
            for part, words in zip(buffers.parts, packed, strict=True)
        ]
        own = {kind: self._offsets[buffer_name(kind, ending.expand.name)] for kind in ("ring", "panel", "sums")}
        return parts, [
            f".pixels = {height * width}",
            f".channels = {channels}",
            ".parts = parts",
            f".part_count = {len(parts)}",
            f".classifier = {self._struct(ending.classifier.weight.shape[::-1], self._graph.output, classifier)}",
            f".strip = {buffers.strip}",
            f".input_at = {self._offsets[ending.expand.input]}",
            *(f".{kind} = {offset}" for kind, offset in own.items()),
            f".features_at = {self._offsets[buffer_name('features', ending.expand.name)]}",
            f".output_at = {self._offsets[self._graph.output]}",
        ]

    def _operators(self, unit: Unit) -> Iterator[str]:
        """Shapes and operators of a unit."""
        tensors = self._graph.tensors
        for field, name in (("input", unit.input), ("expanded", unit.expand.output), ("output", unit.output)):
            yield f".{field} = {c_shape(tensors[name].shape)}"
        yield f".stem_stride = {unit.expand.stride[0] if unit.is_stem else 0}"
        yield f".input_code = {tensors[unit.input].zero_point}"
        yield f".expanded_code = {tensors[unit.expand.output].zero_point}"
        expand, depthwise, project = packed_unit(self._graph, self._layout, unit)
        taps, expanded = unit.expand.weight[0].size, len(unit.expand.bias)
        yield f".expand = {self._struct((taps, expanded), unit.expand.output, expand)}"
        yield f".depthwise = {self._struct((expanded, unit.depthwise.stride[0]), unit.depthwise.output, depthwise)}"
        yield f".project = {self._struct((expanded, len(unit.project.bias)), unit.project.output, project)}"
        if unit.addition is not None:
            name = f"addition_{len(self.additions)}"
            row = tensors[unit.output].size // tensors[unit.output].shape[0]
            self.additions.append(_Addition(name, addition_fields(self._graph, unit.addition, row)))
            yield f".addition = &{name}"
            yield f".input_is_left = {'true' if unit.addition.left == unit.input else 'false'}"

    def _places(self, unit: Unit, buffers: UnitBuffers, layer: str) -> Iterator[str]:
        """Where the unit's buffers lie; its strips share one panel with those of its group."""
        work = self._offsets[buffer_name("work", layer)]
        if buffers.tile_at is None:
            yield f".ring = {self._offsets[buffer_name('ring', unit.expand.name)]}"
            yield f".saved = {_NOWHERE}"
            yield f".column = {_NOWHERE}"
        else:
            yield f".ring = {work + buffers.tile_at[0]}"
            yield f".saved = {self._offsets[buffer_name('saved', unit.expand.name)]}"
            yield f".column = {work + buffers.tile_at[1]}"
        yield f".panel = {work}"
        yield f".patches = {_NOWHERE if buffers.patches_at is None else work + buffers.patches_at}"
        yield f".kept = {self._offsets[buffer_name('kept', unit.expand.name)] if buffers.kept else _NOWHERE}"

    def _struct(self, shape: tuple[int, ...], output: str, packed: Packed) -> str:
        """Initialiser of a `sixfold_pointwise` or `sixfold_depthwise`, whose fields are in the same order."""
        zero_point = self._graph.tensors[output].zero_point
        name = f"packed_{len(self.arrays)}"
        self.arrays.append(array("uint32_t", name, packed.words))
        return c_shape((*shape, zero_point, int(packed.saturates), name))

"""Which operator runs: what a program executes and reads that tells.

Layer by layer, the generated model has a function for each operator. Row by row (`firmware/kernels/streaming`), the
same kernels run for one unit of the network after the other: the kernel that is executed tells the operator's role in
its unit, and which entry of the table of units the scheduler reads tells the unit.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.backends.cortex_m.streaming.structure import Network, recognise
from pipeline.errors import SixfoldError
from pipeline.graph.ir import IntegerGraph
from pipeline.profile.program import Span, Symbols

#: The compilation unit of the generated model.
MODEL = "model.c"
#: Executed before and after everything that counts as an inference, and at no other time.
CLOCK = "sixfold_timer_ticks"

_LAYER = re.compile(r"layer_(\d+)")
#: What calls the layers, or the kernels of units, and is of none.
_SCHEDULER = re.compile(
    r"sixfold_(invoke|run_layer|begin|push_row)|sixfold_(unit|streaming)_\w+|(run_layer|cascade_row|expand_row|project_row)\b.*"
)
#: By the beginning of their names, kernels of operators that a unit or the ending has.
_ROLES = {
    "expand": ("sixfold_stream_pack", "sixfold_gather_patches", "sixfold_stream_expand"),
    "depthwise": ("sixfold_stream_depthwise",),
    "project": ("sixfold_stream_project",),
    "addition": ("sixfold_stream_add",),
    "pool": ("sixfold_stream_sum",),
    "classifier": ("sixfold_stream_classify",),
}
_MOST_ROLES = 16


@dataclass(frozen=True)
class Mark:
    """Bytes that a number is known by: of executed instructions, or of constants that the scheduler reads."""

    span: Span
    number: int


@dataclass(frozen=True)
class Parts:
    """How an inference is divided.

    Attributes:
        clock: address of :data:`CLOCK`.
        code: the last that was executed; those with number 0 are the scheduler.
        data: the last that the scheduler read; sorted, as `code` is.
        operators: by the sum of both numbers, the operator that runs; sums that are not here are the scheduler's work.
        windows: from one execution of the clock to the next that an inference has.
    """

    clock: int
    code: tuple[Mark, ...]
    data: tuple[Mark, ...]
    operators: Mapping[int, str]
    windows: int = 1


def find_parts(symbols: Symbols, graph: IntegerGraph, streaming: bool, pushed: bool) -> Parts:
    """Divide a program.

    Args:
        symbols: of a firmware for evaluation.
        graph: that it was generated from.
        streaming: whether it computes row by row.
        pushed: whether it gets its input row by row.

    Raises:
        SixfoldError: the program is not of this graph and engine.
    """
    scheduler = [Mark(span, 0) for name, span in symbols.functions.items() if _SCHEDULER.fullmatch(name)]
    if not scheduler:
        raise SixfoldError(f"{symbols.file}: has nothing that runs a model; build it again")
    if not streaming:
        return _by_layer(symbols, graph, scheduler)
    # Beginning an inference, each row, and the rest.
    windows = graph.tensors[graph.input].shape[0] + 2 if pushed else 1
    return _by_unit(symbols, recognise(graph), scheduler, windows)


def _by_layer(symbols: Symbols, graph: IntegerGraph, scheduler: list[Mark]) -> Parts:
    found = {
        int(layer[1]): span
        for name, span in symbols.units.get(MODEL, {}).items()
        if (layer := _LAYER.fullmatch(name)) is not None
    }
    if sorted(found) != list(range(len(graph.operators))):
        raise SixfoldError(
            f"{symbols.file}: has {len(found)} layers, the model has {len(graph.operators)}; build it again"
        )
    marks = [Mark(span, layer + 1) for layer, span in found.items()]
    names = {layer + 1: operator.name for layer, operator in enumerate(graph.operators)}
    return Parts(symbols.function(CLOCK)[0], _sorted([*scheduler, *marks]), (), names)


def _by_unit(symbols: Symbols, network: Network, scheduler: list[Mark], windows: int) -> Parts:
    model = symbols.units.get(MODEL, {})
    if not {"units", "ending"} <= model.keys():
        raise SixfoldError(f"{symbols.file}: has no table of units; build it again")
    roles = {
        role: number
        for number, (role, kernels) in enumerate(_ROLES.items(), start=1)
        if any(name in symbols.functions for name in kernels)
    }
    code = [
        Mark(symbols.functions[name], roles[role])
        for role in roles
        for name in _ROLES[role]
        if name in symbols.functions
    ]
    first, last = model["units"]
    size, rest = divmod(last - first, len(network.units))
    if rest:
        raise SixfoldError(f"{symbols.file}: its table of units is not that of the model; build it again")
    data = [
        Mark((first + index * size, first + (index + 1) * size), _MOST_ROLES * (index + 1))
        for index in range(len(network.units))
    ]
    ending = Mark(model["ending"], _MOST_ROLES * (len(network.units) + 1))
    names: dict[int, str] = {}
    for unit, mark in zip(network.units, data, strict=True):
        roles_of_unit = ("expand", "depthwise", "project", "addition")[: len(unit.operators)]
        for role, operator in zip(roles_of_unit, unit.operators, strict=True):
            names[mark.number + roles[role]] = operator.name
    last_layers = network.ending
    names[ending.number + roles["expand"]] = last_layers.expand.name
    names[ending.number + roles["pool"]] = last_layers.pool.name
    # The means of the sums are the scheduler's own instructions at the end.
    names[ending.number] = last_layers.pool.name
    names[ending.number + roles["classifier"]] = last_layers.classifier.name
    clock = symbols.function(CLOCK)[0]
    return Parts(clock, _sorted([*scheduler, *code]), _sorted([*data, ending]), names, windows)


def _sorted(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    return tuple(sorted(marks, key=lambda mark: mark.span))

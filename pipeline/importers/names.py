"""Names for what is imported: the file's own where they can stand in every file that is written from the graph."""

import re
from collections.abc import Set
from dataclasses import replace
from typing import Any

from pipeline.graph.ir import Add, IntegerGraph, Operator

#: What :mod:`pipeline.graph.qdq` appends to an activation's name, and to an operator's.
_TENSOR_SUFFIXES = ("", "/codes", "/real", "/scale", "/zero_point", "/flat", "/flat/codes", "/flat/real")
_OPERATOR_SUFFIXES = tuple(
    f"/{part}{suffix}" for part in ("weight", "bias") for suffix in ("", "/scale", "/zero_point", "/real")
)
_LONGEST = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Names:
    """Hands out names, each once, none of which collides with what is derived from another."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._operators: set[str] = set()

    def tensor(self, wanted: str, index: int) -> str:
        """A name for activation `index` of the file, `wanted` if possible."""
        name = self._free(wanted, f"tensor_{index}", _TENSOR_SUFFIXES, frozenset())
        self._values |= {name + suffix for suffix in _TENSOR_SUFFIXES}
        return name

    def operator(self, wanted: str, index: int) -> str:
        """A name for operator `index` of the file."""
        name = self._free(wanted, f"operator_{index}", _OPERATOR_SUFFIXES, self._operators)
        self._values |= {name + suffix for suffix in _OPERATOR_SUFFIXES}
        self._operators.add(name)
        return name

    def _free(self, wanted: str, fallback: str, suffixes: tuple[str, ...], taken: Set[str]) -> str:
        name = wanted if wanted and len(wanted) <= _LONGEST and not _CONTROL.search(wanted) else fallback
        while name in taken or any(name + suffix in self._values for suffix in suffixes):
            name = fallback = f"{fallback}_"
        return name


def with_safe_names(graph: IntegerGraph) -> IntegerGraph:
    """The graph with every name replaced that cannot stand; the same graph where all of them can."""
    names = Names()
    tensors = {name: names.tensor(name, index) for index, name in enumerate(graph.tensors)}
    operators: list[Operator] = []
    for index, operator in enumerate(graph.operators):
        parts = ("left", "right", "output") if isinstance(operator, Add) else ("input", "output")
        operands: dict[str, Any] = {part: tensors[getattr(operator, part)] for part in parts}
        operators.append(replace(operator, name=names.operator(operator.name, index), **operands))
    return replace(
        graph,
        tensors={tensors[name]: replace(tensor, name=tensors[name]) for name, tensor in graph.tensors.items()},
        operators=tuple(operators),
        input=tensors[graph.input],
        output=tensors[graph.output],
    )

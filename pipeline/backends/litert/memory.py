"""What a ``.tflite`` file asks of memory, read from the file itself: the operators that it has are those that run."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_BYTES = {schema.TensorType.INT8: 1, schema.TensorType.UINT8: 1, schema.TensorType.INT32: 4}


@dataclass(frozen=True)
class Activation:
    """A tensor that is computed or given, not a constant.

    Attributes:
        index: in the file.
        born: index of the operator that writes it; of the first one for the file's input.
        last: index of the last operator that reads it; of the last one for the file's output.
    """

    name: str
    index: int
    size: int
    born: int
    last: int


def activations(content: bytes) -> list[Activation]:
    """The activations of a file that :mod:`pipeline.backends.litert.writer` wrote, in the order of their birth."""
    model = schema.Model.GetRootAs(content)
    graph = model.Subgraphs(0)
    count = graph.OperatorsLength()
    born: dict[int, int] = {int(index): 0 for index in graph.InputsAsNumpy()}
    last: dict[int, int] = {}
    for position in range(count):
        operator = graph.Operators(position)
        born.update({int(index): position for index in operator.OutputsAsNumpy()})
        last.update({int(index): position for index in operator.InputsAsNumpy()})
    last.update({int(index): count - 1 for index in graph.OutputsAsNumpy()})
    return [
        Activation(_name(graph.Tensors(index)), index, _size(graph.Tensors(index)), birth, last[index])
        for index, birth in born.items()
    ]


def live_bytes(content: bytes) -> dict[str, int]:
    """Bytes of the activations that are needed while each operator runs, by the name of the tensor it writes.

    The largest is the least that an interpreter needs which runs operator by operator and none in place.
    """
    found = activations(content)
    count = schema.Model.GetRootAs(content).Subgraphs(0).OperatorsLength()
    names = {activation.born: activation.name for activation in found}
    return {names[position]: sum(a.size for a in found if a.born <= position <= a.last) for position in range(count)}


def _name(tensor: Any) -> str:
    return str(tensor.Name().decode())


def _size(tensor: Any) -> int:
    return int(np.prod(tensor.ShapeAsNumpy())) * _BYTES[tensor.Type()]

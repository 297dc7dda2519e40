"""What a graph costs before any target: multiply-adds, parameters and live memory per layer."""

from dataclasses import dataclass

from pipeline.graph.ir import Add, Conv2D, DepthwiseConv2D, FullyConnected, GlobalAveragePool, IntegerGraph, Operator


@dataclass(frozen=True)
class LayerMemory:
    """Memory while one operator runs, when every operator materialises its output (paper, section 5.1, equation 2).

    Attributes:
        operator: its name.
        live_bytes: the operator's inputs and output, and every other tensor that a later operator still reads.
    """

    operator: str
    live_bytes: int


def operator_macs(graph: IntegerGraph, operator: Operator) -> int:
    """Multiply-adds of one inference of one operator; additions and pooling count none, as in the paper."""
    height, width, _ = graph.tensors[operator.output].shape
    match operator:
        case Conv2D() | DepthwiseConv2D():
            # Each weight is used once per output position; rows that fall on padding are counted, as is usual.
            return height * width * operator.weight.size
        case FullyConnected():
            return int(operator.weight.size)
        case Add() | GlobalAveragePool():
            return 0


def macs(graph: IntegerGraph) -> dict[str, int]:
    """Multiply-adds per operator name, in execution order."""
    return {operator.name: operator_macs(graph, operator) for operator in graph.operators}


def parameters(graph: IntegerGraph) -> int:
    """Number of weights and biases."""
    weighted = (op for op in graph.operators if isinstance(op, Conv2D | DepthwiseConv2D | FullyConnected))
    return sum(int(op.weight.size) + int(op.bias.size) for op in weighted)


def live_memory(graph: IntegerGraph) -> list[LayerMemory]:
    """Live bytes at every operator, in execution order; the peak is the least that a layer-by-layer engine needs."""
    last_read = {name: index for index, operator in enumerate(graph.operators) for name in operator.inputs}
    last_read[graph.output] = len(graph.operators)
    born = {graph.input: 0} | {operator.output: index for index, operator in enumerate(graph.operators)}
    return [
        LayerMemory(
            operator.name,
            sum(graph.tensors[name].size for name, birth in born.items() if birth <= index <= last_read[name]),
        )
        for index, operator in enumerate(graph.operators)
    ]

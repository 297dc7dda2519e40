"""What an operator costs on a core, by its sizes: a linear model, fitted to what emulated boards counted.

`costs.json` holds the fit for each core and kernel library; ``python -m benchmarks.costs`` measures and writes it.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.graph.cost import operator_macs
from pipeline.graph.ir import Add, Conv2D, DepthwiseConv2D, FullyConnected, IntegerGraph, Operator
from pipeline.targets import Kernels
from pipeline.validation import Checked, validate

COSTS_FILE = Path(__file__).with_name("costs.json")

#: Kernel libraries that run a network operator by operator, so that a cost can be told for each. The streaming engine
#: runs several in one go.
LIBRARIES: tuple[Kernels, ...] = ("portable", "cmsis-nn")

#: What an operator's instructions are taken to be proportional to, beside a constant for the call.
FEATURES = ("macs", "outputs", "inputs", "call")

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class KernelCosts(Checked):
    """One kernel library on one core.

    Attributes:
        instructions: by kind of operator, those for each unit of :data:`FEATURES`.
        code_bytes: of flash for all that is no weight: code, vectors, an application that serves images.
        data_bytes: of RAM beside the arena and the stack.
        stack_bytes: reserved for the stack.
        held_out_error: of the whole inference of a network that the fit did not see, estimate / count - 1.
    """

    instructions: dict[str, dict[str, Amount]]
    code_bytes: Annotated[int, Field(ge=0)]
    data_bytes: Annotated[int, Field(ge=0)]
    stack_bytes: Annotated[int, Field(ge=0)]
    held_out_error: float


class Costs(Checked):
    """`costs.json`: by core and kernel library. `held_out` names the network that no fit saw."""

    cores: dict[str, dict[Kernels, KernelCosts]]
    fitted: tuple[str, ...]
    held_out: str
    tools: dict[str, str]


@cache
def load_costs(path: Path = COSTS_FILE) -> Costs:
    """Read the fitted costs.

    Raises:
        SixfoldError: missing or damaged; one line with file and field.
    """
    return validate(Costs, read_json(path), str(path))


def kernel_costs(core: str, kernels: Kernels) -> KernelCosts:
    """The costs of a kernel library on a core.

    Raises:
        SixfoldError: they were never measured; says how to.
    """
    measured = load_costs().cores
    if kernels not in measured.get(core, {}):
        known = ", ".join(f"{name} ({', '.join(sorted(libraries))})" for name, libraries in sorted(measured.items()))
        raise SixfoldError(
            f"core {core}, kernels {kernels}: no measured costs; there are {known}; `python -m benchmarks.costs` "
            "measures them"
        )
    return measured[core][kernels]


def kind(operator: Operator) -> str:
    """Operators of one kind have kernels whose cost depends on the sizes in one way."""
    match operator:
        case Conv2D():
            return "pointwise" if operator.weight.shape[1:3] == (1, 1) else "convolution"
        case DepthwiseConv2D():
            return "depthwise"
        case FullyConnected():
            return "fully-connected"
        case Add():
            return "addition"
    return "pooling"


def features(graph: IntegerGraph, operator: Operator) -> tuple[float, ...]:
    """The operator's :data:`FEATURES`: multiply-accumulates, codes written, codes read, 1."""
    read = sum(graph.tensors[name].size for name in operator.inputs)
    return (float(operator_macs(graph, operator)), float(graph.tensors[operator.output].size), float(read), 1.0)


def estimated_instructions(graph: IntegerGraph, costs: KernelCosts) -> float:
    """Instructions of one inference, by the fit."""
    total = 0.0
    for operator in graph.operators:
        weights: Mapping[str, float] = costs.instructions[kind(operator)]
        amounts = zip(FEATURES, features(graph, operator), strict=True)
        total += sum(weights[name] * amount for name, amount in amounts)
    return total

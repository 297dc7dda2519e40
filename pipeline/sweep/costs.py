"""What an operator costs on a core, by its sizes: a linear model, fitted to what emulated boards counted.

`costs.json` holds the fit for each core and kernel library; ``python -m benchmarks.costs`` measures and writes it. A
library that computes several operators in one go, as the streaming engine does, is fitted to what these cost together.
"""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.backends.cortex_m.kernel import Simd
from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.graph.cost import operator_macs
from pipeline.graph.ir import Add, Conv2D, DepthwiseConv2D, FullyConnected, IntegerGraph, Operator
from pipeline.targets import Kernels
from pipeline.validation import Checked, validate

COSTS_FILE = Path(__file__).with_name("costs.json")

#: What an operator's instructions are taken to be proportional to: multiply-accumulates, codes written, codes read,
#: channels of rows written, and a constant for the call.
FEATURES = ("macs", "outputs", "inputs", "lines", "call")

_HELIUM_LANES = 16

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class KernelCosts(Checked):
    """One kernel library on one core.

    Attributes:
        instructions: by kind of operator, those for each unit of :data:`FEATURES`.
        lanes: products that are made at a time; what is left of a sum costs as much as a whole vector.
        code_bytes: of flash beside what the network itself needs: code, vectors, an application that serves images.
        data_bytes: of RAM beside what the network itself needs, :func:`served_bytes`, and the stack.
        stack_bytes: reserved for the stack.
        held_out_error: of the whole inference of networks that the fit did not see, estimate / count - 1: the largest.
    """

    instructions: dict[str, dict[str, Amount]]
    lanes: Annotated[int, Field(ge=1)]
    code_bytes: Annotated[int, Field(ge=0)]
    data_bytes: Annotated[int, Field(ge=0)]
    stack_bytes: Annotated[int, Field(ge=0)]
    held_out_error: float


class Costs(Checked):
    """`costs.json`: by core and kernel library. `held_out` names the networks that no fit saw."""

    cores: dict[str, dict[Kernels, KernelCosts]]
    fitted: tuple[str, ...]
    held_out: tuple[str, ...]
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


def served_bytes(graph: IntegerGraph) -> int:
    """Of RAM that an application which serves images keeps: a row of the image, and a code for each class."""
    _, width, channels = graph.tensors[graph.input].shape
    return width * channels + graph.tensors[graph.output].size


def lanes(simd: Simd, kernels: Kernels) -> int:
    """Products that a library makes at a time on cores with these vector instructions, as far as it matters here."""
    return _HELIUM_LANES if simd == "mve" and kernels != "portable" else 1


def features(graph: IntegerGraph, operator: Operator, vector: int) -> dict[str, float]:
    """The operator's :data:`FEATURES`, for sums that are made `vector` products at a time."""
    height, _, channels = graph.tensors[operator.output].shape
    products = float(operator_macs(graph, operator))
    if isinstance(operator, Conv2D | FullyConnected):
        terms = operator.weight[0].size
        products *= -(-terms // vector) * vector / terms
    return {
        "macs": products,
        "outputs": float(graph.tensors[operator.output].size),
        "inputs": float(sum(graph.tensors[name].size for name in operator.inputs)),
        "lines": float(height * channels),
        "call": 1.0,
    }


def estimated_instructions(graph: IntegerGraph, costs: KernelCosts) -> float:
    """Instructions of one inference, by the fit."""
    total = 0.0
    for operator in graph.operators:
        shares = costs.instructions[kind(operator)]
        total += sum(shares[name] * amount for name, amount in features(graph, operator, costs.lanes).items())
    return total

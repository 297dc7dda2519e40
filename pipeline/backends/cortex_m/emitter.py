"""The integer graph as C source, layer by layer: data and one function per operator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.backends.cortex_m.accumulators import fold_zero_point
from pipeline.backends.cortex_m.c_source import Array, array, c_shape, constants, description, render
from pipeline.backends.cortex_m.guards import Zone
from pipeline.backends.cortex_m.kernel import Kernel
from pipeline.backends.cortex_m.memory_plan import ALIGNMENT, MemoryPlan, scratch_name
from pipeline.backends.cortex_m.windows import window_size
from pipeline.graph.fixed_point import add_requantization, weighted_requantization
from pipeline.graph.ir import (
    Add,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    GlobalAveragePool,
    IntegerGraph,
    Operator,
    Weighted,
)


@dataclass(frozen=True)
class _Layer:
    """What the template needs of one operator."""

    name: str
    comment: str
    arrays: tuple[Array, ...]
    struct: str
    fields: tuple[str, ...]
    call: str


def emit_model(
    graph: IntegerGraph,
    plan: MemoryPlan,
    kernels: Mapping[str, Kernel],
    header: str | None = None,
    zones: Sequence[Zone] = (),
) -> dict[str, str]:
    """Generate the model's C files.

    Args:
        graph: the integer graph.
        plan: where its tensors and the kernels' scratch lie.
        kernels: the function that computes each operator, by the operator's name.
        header: what declares those functions beside `sixfold/kernels.h`.
        zones: guard zones that the model paints and checks around every layer; none in a firmware for use.

    Returns:
        File name (``model.c``, ``model.h``) to text; ASCII, the same for the same arguments.
    """
    layers = [
        _layer(graph, plan, kernels[operator.name], index, operator) for index, operator in enumerate(graph.operators)
    ]
    values = {
        **description(graph),
        "pushed": False,
        "input_offset": plan.offsets[graph.input],
        "output_offset": plan.offsets[graph.output],
        "arena_bytes": plan.arena_bytes,
        "alignment": ALIGNMENT,
        "layers": layers,
        "names": [layer.name for layer in layers],
        "constants": constants(array for layer in layers for array in layer.arrays),
        "header": header,
        "zones": zones,
    }
    return {"model.c": render("layers.c.j2", values), "model.h": render("model.h.j2", values)}


def _layer(graph: IntegerGraph, plan: MemoryPlan, kernel: Kernel, index: int, operator: Operator) -> _Layer:
    struct, arrays, fields = _parameters(graph, kernel, index, operator)
    source, result = graph.tensors[operator.inputs[0]].shape, graph.tensors[operator.output].shape
    arguments = [f"&params_{index}", *(_at(plan, name) for name in operator.inputs)]
    if isinstance(operator, Conv2D | DepthwiseConv2D):
        arguments.append(_at(plan, scratch_name(operator.name)) if kernel.scratch_bytes else "NULL")
    arguments.append(_at(plan, operator.output))
    return _Layer(
        operator.name,
        f"{type(operator).__name__} {'x'.join(map(str, source))} -> {'x'.join(map(str, result))}",
        arrays,
        struct,
        fields,
        f"{kernel.function}({', '.join(arguments)})",
    )


def _parameters(
    graph: IntegerGraph, kernel: Kernel, index: int, operator: Operator
) -> tuple[str, tuple[Array, ...], tuple[str, ...]]:
    """The operator's struct in `sixfold/kernels.h`, the constant arrays that it points to, its initialiser."""
    match operator:
        case Conv2D() | DepthwiseConv2D():
            arrays, zero_points = _weighted(graph, index, operator)
            window = (*window_size(operator), *operator.stride, operator.padding.top, operator.padding.left)
            fields = (
                f".input = {c_shape(graph.tensors[operator.input].shape)}",
                f".output = {c_shape(graph.tensors[operator.output].shape)}",
                f".window = {c_shape(window)}",
                *zero_points,
                f".scratch_bytes = {kernel.scratch_bytes}",
                *_references(arrays),
            )
            return "sixfold_convolution", arrays, fields
        case FullyConnected():
            arrays, zero_points = _weighted(graph, index, operator)
            outputs, inputs = operator.weight.shape
            fields = (f".inputs = {inputs}", f".outputs = {outputs}", *zero_points, *_references(arrays))
            return "sixfold_dense", arrays, fields
        case Add():
            return "sixfold_addition", (), addition_fields(graph, operator, graph.tensors[operator.output].size)
        case GlobalAveragePool():
            height, width, channels = graph.tensors[operator.input].shape
            fields = (f".height = {height}", f".width = {width}", f".channels = {channels}")
            return "sixfold_shape", (), fields


def _weighted(graph: IntegerGraph, index: int, operator: Weighted) -> tuple[tuple[Array, ...], tuple[str, str]]:
    """Constant arrays and zero-point fields of a weighted operator."""
    bias, input_zero_point = fold_zero_point(graph, operator)
    multipliers, shifts = weighted_requantization(graph, operator)
    arrays = (
        array("int8_t", f"weights_{index}", operator.weight),
        array("int32_t", f"bias_{index}", bias),
        array("int32_t", f"multipliers_{index}", multipliers),
        array("int32_t", f"shifts_{index}", shifts),
    )
    output_zero_point = graph.tensors[operator.output].zero_point
    return arrays, (f".input_zero_point = {input_zero_point}", f".output_zero_point = {output_zero_point}")


def addition_fields(graph: IntegerGraph, operator: Add, size: int) -> tuple[str, ...]:
    """Initialiser of the `sixfold_addition` of so many elements."""
    factors = add_requantization(graph, operator)
    zero_points = {
        "left": graph.tensors[operator.left],
        "right": graph.tensors[operator.right],
        "output": graph.tensors[operator.output],
    }
    return (
        f".size = {size}",
        *(f".{side}_zero_point = {tensor.zero_point}" for side, tensor in zero_points.items()),
        f".left_multiplier = {factors.left_multiplier}",
        f".left_shift = {factors.left_shift}",
        f".right_multiplier = {factors.right_multiplier}",
        f".right_shift = {factors.right_shift}",
        f".output_multiplier = {factors.output_multiplier}",
        f".output_shift = {factors.output_shift}",
    )


def _at(plan: MemoryPlan, buffer: str) -> str:
    return f"arena + {plan.offsets[buffer]}"


def _references(arrays: tuple[Array, ...]) -> tuple[str, ...]:
    """Designated initialisers: the field is the array's name without the layer's number."""
    return tuple(f".{array.name.rpartition('_')[0]} = {array.name}" for array in arrays)

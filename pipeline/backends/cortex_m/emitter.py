"""The integer graph as C source: data, one function per layer, and the linker script."""

import math
import textwrap
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt

from pipeline.backends.cortex_m.accumulators import fold_zero_point
from pipeline.backends.cortex_m.guards import Zone
from pipeline.backends.cortex_m.kernel import Kernel
from pipeline.backends.cortex_m.machines import Placement
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

#: Stack that the linker reserves. An inference takes a few hundred bytes; the evaluation and faults a little more.
STACK_BYTES = 4096


@dataclass(frozen=True)
class _Array:
    """A constant array: C type, identifier, number of elements, initialiser lines, bytes in the device's memory."""

    type: str
    name: str
    length: int
    values: str
    data: bytes


@dataclass(frozen=True)
class _Layer:
    """What the template needs of one operator."""

    name: str
    comment: str
    arrays: tuple[_Array, ...]
    struct: str
    fields: tuple[str, ...]
    call: str


@dataclass(frozen=True)
class _Constants:
    """What a board checks before its first inference: identifiers in order, and size and CRC-32 of all together."""

    regions: tuple[str, ...]
    bytes: int
    crc32: int


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
    sha256 = graph.sha256()
    layers = [
        _layer(graph, plan, kernels[operator.name], index, operator) for index, operator in enumerate(graph.operators)
    ]
    values = {
        "sha256": sha256,
        "hash_bytes": ", ".join(f"0x{byte:02x}" for byte in bytes.fromhex(sha256)),
        "input": graph.tensors[graph.input],
        "output": graph.tensors[graph.output],
        "input_offset": plan.offsets[graph.input],
        "output_offset": plan.offsets[graph.output],
        "arena_bytes": plan.arena_bytes,
        "alignment": ALIGNMENT,
        "layers": layers,
        "constants": _constants(layers),
        "output_decay": round(math.exp(-graph.tensors[graph.output].scale) * 2**31),
        "header": header,
        "zones": zones,
    }
    return {name: _render(f"{name}.j2", values) for name in ("model.c", "model.h")}


def emit_linker_script(target_name: str, placement: Placement) -> str:
    """Generate the linker script: exactly the target's memories, so that the linker refuses what does not fit."""
    memory = placement.memory
    values = {
        "target": target_name,
        "regions": memory.regions,
        "place": memory.place,
        "constant": {"flash", memory.place.weights},
        "stack_bytes": STACK_BYTES,
        "alignment": ALIGNMENT,
    }
    return _render("model.ld.j2", values)


def c_string(text: str) -> str:
    """A C string literal of any text: what is not plain ASCII as octal escapes of its UTF-8 bytes."""
    plain = set(range(32, 127)) - set(b'"\\?')  # ? could begin a trigraph
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'


def _render(template: str, values: dict[str, Any]) -> str:
    # The one text that comes from outside is an operator's name, which the templates pass through c_string.
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"c_string": c_string, "c_float": _c_float, "c_shape": _c_shape, "hex": "0x{:08x}".format}
    return environment.get_template(template).render(values)


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
) -> tuple[str, tuple[_Array, ...], tuple[str, ...]]:
    """The operator's struct in `sixfold/kernels.h`, the constant arrays that it points to, its initialiser."""
    match operator:
        case Conv2D() | DepthwiseConv2D():
            arrays, zero_points = _weighted(graph, index, operator)
            window = (*window_size(operator), *operator.stride, operator.padding.top, operator.padding.left)
            fields = (
                f".input = {_c_shape(graph.tensors[operator.input].shape)}",
                f".output = {_c_shape(graph.tensors[operator.output].shape)}",
                f".window = {_c_shape(window)}",
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
            return "sixfold_addition", (), _addition_fields(graph, operator)
        case GlobalAveragePool():
            height, width, channels = graph.tensors[operator.input].shape
            fields = (f".height = {height}", f".width = {width}", f".channels = {channels}")
            return "sixfold_shape", (), fields


def _weighted(graph: IntegerGraph, index: int, operator: Weighted) -> tuple[tuple[_Array, ...], tuple[str, str]]:
    """Constant arrays and zero-point fields of a weighted operator."""
    bias, input_zero_point = fold_zero_point(graph, operator)
    multipliers, shifts = weighted_requantization(graph, operator)
    arrays = (
        _array("int8_t", f"weights_{index}", operator.weight),
        _array("int32_t", f"bias_{index}", bias),
        _array("int32_t", f"multipliers_{index}", multipliers),
        _array("int32_t", f"shifts_{index}", shifts),
    )
    output_zero_point = graph.tensors[operator.output].zero_point
    return arrays, (f".input_zero_point = {input_zero_point}", f".output_zero_point = {output_zero_point}")


def _addition_fields(graph: IntegerGraph, operator: Add) -> tuple[str, ...]:
    factors = add_requantization(graph, operator)
    zero_points = {
        "left": graph.tensors[operator.left],
        "right": graph.tensors[operator.right],
        "output": graph.tensors[operator.output],
    }
    return (
        f".size = {graph.tensors[operator.output].size}",
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


def _references(arrays: tuple[_Array, ...]) -> tuple[str, ...]:
    """Designated initialisers: the field is the array's name without the layer's number."""
    return tuple(f".{array.name.rpartition('_')[0]} = {array.name}" for array in arrays)


def _array(c_type: str, name: str, values: npt.NDArray[Any]) -> _Array:
    # The most negative int32 has no literal of its own in C.
    text = ", ".join("(-2147483647 - 1)" if value == -(2**31) else str(value) for value in values.ravel().tolist())
    lines = textwrap.wrap(text, 116, break_long_words=False, break_on_hyphens=False)
    data = values.astype({"int8_t": "i1", "int32_t": "<i4"}[c_type]).tobytes()
    return _Array(c_type, name, int(values.size), "".join(f"    {line}\n" for line in lines), data)


def _constants(layers: Sequence[_Layer]) -> _Constants:
    arrays = [array for layer in layers for array in layer.arrays]
    data = b"".join(array.data for array in arrays)
    return _Constants(tuple(array.name for array in arrays), len(data), zlib.crc32(data))


def _c_float(value: float) -> str:
    """A float literal that reads back as the same float32."""
    return f"{np.float32(value)!s}f" if "." in str(np.float32(value)) else f"{np.float32(value):.9e}f"


def _c_shape(shape: tuple[int, ...]) -> str:
    return "{" + ", ".join(map(str, shape)) + "}"

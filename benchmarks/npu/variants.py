"""Other ways to write the same network as a ``.tflite`` file, and to call Vela: does any of them pay?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pipeline.backends.litert.flatbuffer import IDENTIFIER
from pipeline.backends.litert.writer import write_tflite
from pipeline.graph.ir import IntegerGraph

_CODES = schema.BuiltinOperator
_OPTIONS = schema.BuiltinOptions


@dataclass(frozen=True)
class Variant:
    """One way.

    Attributes:
        write: the ``.tflite`` file.
        options: further options of Vela.
        smallest: whether Vela is asked for the least memory.
    """

    name: str
    write: Callable[[IntegerGraph], bytes] = write_tflite
    options: tuple[str, ...] = ()
    smallest: bool = False


def _edited(edit: Callable[[Any], None]) -> Callable[[IntegerGraph], bytes]:
    """A writer whose file is changed by `edit`, a function of the schema's model object."""

    def write(graph: IntegerGraph) -> bytes:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(write_tflite(graph), 0))
        edit(model)
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())

    return write


def _without_activations(model: Any) -> None:
    """RELU6 only by the clamp to int8, which gives the same codes."""
    for operator in model.subgraphs[0].operators:
        if hasattr(operator.builtinOptions, "fusedActivationFunction"):
            operator.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.NONE


def _mean(model: Any) -> None:
    """MEAN over height and width in the place of AVERAGE_POOL_2D."""
    graph = model.subgraphs[0]
    (pool,) = (
        op for op in graph.operators if model.operatorCodes[op.opcodeIndex].builtinCode == _CODES.AVERAGE_POOL_2D
    )
    buffer, axes = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(np.array([1, 2], "<i4").tobytes(), np.uint8)
    model.buffers.append(buffer)
    axes.name, axes.shape, axes.type, axes.buffer = "axes", [2], schema.TensorType.INT32, len(model.buffers) - 1
    graph.tensors.append(axes)
    pool.inputs = np.array([pool.inputs[0], len(graph.tensors) - 1], np.int32)
    pool.opcodeIndex = _code(model, _CODES.MEAN, 2)
    pool.builtinOptionsType, pool.builtinOptions = _OPTIONS.ReducerOptions, schema.ReducerOptionsT()
    pool.builtinOptions.keepDims = True


def _fully_connected(model: Any) -> None:
    """FULLY_CONNECTED as the classifier in the place of a convolution."""
    graph = model.subgraphs[0]
    classifier = graph.operators[-1]
    weight, result = graph.tensors[classifier.inputs[1]], graph.tensors[classifier.outputs[0]]
    weight.shape = np.array([weight.shape[0], weight.shape[-1]], np.int32)
    result.shape = np.array([1, weight.shape[0]], np.int32)
    classifier.opcodeIndex = _code(model, _CODES.FULLY_CONNECTED, 4)
    classifier.builtinOptionsType = _OPTIONS.FullyConnectedOptions
    classifier.builtinOptions = schema.FullyConnectedOptionsT()


def _code(model: Any, builtin: int, version: int) -> int:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _padded_in_kernels(graph: IntegerGraph) -> bytes:
    return write_tflite(graph, padding="kernel")


VARIANTS = (
    Variant("as it is written: fastest plan"),
    Variant("smallest plan (`--optimise Size`)", smallest=True),
    Variant("`--tensor-allocator Greedy`", options=("--tensor-allocator", "Greedy")),
    Variant("`--disable-cascading`", options=("--disable-cascading",)),
    Variant("padding as zeros in larger kernels, not by PAD", write=_padded_in_kernels),
    Variant("no fused RELU6", write=_edited(_without_activations)),
    Variant("FULLY_CONNECTED as the classifier, not CONV_2D", write=_edited(_fully_connected)),
    Variant("MEAN, not AVERAGE_POOL_2D", write=_edited(_mean)),
)

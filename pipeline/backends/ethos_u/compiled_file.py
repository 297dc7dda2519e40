"""Reading the ``.tflite`` file that Vela writes: a custom operator per command stream, and what is left to the CPU."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pipeline.errors import SixfoldError

_CUSTOM_CODE = b"ethos-u"
_ALLOCATION = b"OfflineMemoryAllocation"
# Version, subgraph and count come before the offsets.
_ALLOCATION_HEADER = 3


@dataclass(frozen=True)
class CompiledFile:
    """What runs on the NPU.

    Attributes:
        streams: of commands with the driver's header, in execution order.
        cpu_tensors: outputs of the operators that are left to the CPU.
        constants: weights, biases and scales; region 0 of the NPU.
        arena_bytes: region 1, which holds input, output and activations; region 2, the dedicated SRAM, or 0.
        input_offset: of the input image in the arena; height by width by channels.
        output_offset: of the output codes in the arena.
    """

    streams: tuple[bytes, ...]
    cpu_tensors: tuple[str, ...]
    constants: bytes
    arena_bytes: tuple[int, int]
    input_offset: int
    input_shape: tuple[int, ...]
    output_offset: int
    output_size: int


def read_compiled(content: bytes) -> CompiledFile:
    """Read a compiled file.

    Raises:
        SixfoldError: it is damaged, or the NPU does nothing in it.
    """
    try:
        return _read(schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)))
    except SixfoldError:
        raise
    except Exception as error:  # the generated classes read whatever the bytes point at
        raise SixfoldError(f"the compiled file is damaged ({error!r})") from error


def _read(model: Any) -> CompiledFile:
    graph = model.subgraphs[0]
    custom = [model.operatorCodes[operator.opcodeIndex].customCode == _CUSTOM_CODE for operator in graph.operators]
    on_npu = [operator for operator, is_npu in zip(graph.operators, custom, strict=True) if is_npu]
    on_cpu = [operator for operator, is_npu in zip(graph.operators, custom, strict=True) if not is_npu]
    if not on_npu:
        raise SixfoldError("the compiled file leaves everything to the CPU")
    _, constants, arena, fast = on_npu[0].inputs[:4]
    offsets = _offsets(model)
    (entry,), (result,) = graph.inputs, graph.outputs
    return CompiledFile(
        streams=tuple(_data(model, operator.inputs[0]) for operator in on_npu),
        cpu_tensors=tuple(graph.tensors[index].name.decode() for operator in on_cpu for index in operator.outputs),
        constants=_data(model, constants),
        arena_bytes=(int(graph.tensors[arena].shape[0]), int(graph.tensors[fast].shape[0]) if fast != arena else 0),
        input_offset=offsets[entry],
        input_shape=tuple(map(int, graph.tensors[entry].shape[1:])),
        output_offset=offsets[result],
        output_size=int(np.prod(graph.tensors[result].shape)),
    )


def _data(model: Any, tensor: int) -> bytes:
    data = model.buffers[model.subgraphs[0].tensors[tensor].buffer].data
    return b"" if data is None else bytes(data)


def _offsets(model: Any) -> list[int]:
    """Where each tensor lies in the arena, which Vela tells the runtime in the file's metadata."""
    for entry in model.metadata:
        if entry.name == _ALLOCATION:
            table = np.frombuffer(bytes(model.buffers[entry.buffer].data), "<i4")
            return [int(offset) for offset in table[_ALLOCATION_HEADER:]]
    raise SixfoldError("the compiled file does not say where its tensors lie")

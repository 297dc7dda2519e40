"""A TensorFlow Lite model under construction: tensors, operators and metadata with LiteRT's own schema classes.

What is here knows the file format and nothing of networks. Three points of the format that the generated classes leave
to their caller are settled here: buffers lie at multiples of 16 bytes (the schema's ``force_align``, which the Python
classes ignore and microcontrollers need), operator codes carry the old and the new field, and the same calls give the
same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
BUFFER_ALIGNMENT = 16

#: Codes up to this one are also stored in the field that readers before schema version 3a know.
_LAST_DEPRECATED_CODE = 127


@dataclass(frozen=True)
class Quantization:
    """Real value of a code: ``scale * (code - zero_point)``.

    Attributes:
        scale: float32, one value or one per slice along `dimension`.
        zero_point: one for all.
        dimension: of the tensor, meaningful where there is more than one scale.
    """

    scale: npt.NDArray[np.float32]
    zero_point: int
    dimension: int = 0


@dataclass(frozen=True)
class _Buffer:
    """Bytes of a constant, packed in the generated class's stead."""

    data: bytes

    def Pack(self, builder: Any) -> Any:  # noqa: N802 - the generated ModelT calls it
        vector = None
        if self.data:
            # Buffers are built from their end: this places the first byte, not the length before it, on the boundary.
            builder.Prep(BUFFER_ALIGNMENT, len(self.data))
            vector = builder.CreateByteVector(self.data)
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


@dataclass
class ModelBuilder:
    """Collects one subgraph; tensors are referred to by the index that :meth:`tensor` returns."""

    tensors: list[Any] = field(default_factory=list)
    operators: list[Any] = field(default_factory=list)
    # The schema reserves buffer 0 for "no data".
    buffers: list[_Buffer] = field(default_factory=lambda: [_Buffer(b"")])
    metadata: list[Any] = field(default_factory=list)
    _codes: dict[tuple[int, int], int] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        type_code: int,
        quantization: Quantization | None = None,
        data: npt.NDArray[Any] | None = None,
    ) -> int:
        """Add a tensor; with `data` it is a constant.

        Args:
            name: made unique by underscores at its end where it is taken.
            shape: all axes, the batch's too.
            type_code: of ``schema.TensorType``.
            quantization: None for tensors of plain integers.
            data: of `shape`, in the little-endian type that `type_code` names.
        """
        while name in self._names:
            name += "_"
        self._names.add(name)
        tensor = schema.TensorT()
        tensor.name = name
        tensor.shape = np.array(shape, np.int32)
        tensor.type = type_code
        tensor.buffer = 0 if data is None else self._buffer(np.ascontiguousarray(data).tobytes())
        if quantization is not None:
            parameters = schema.QuantizationParametersT()
            parameters.scale = np.asarray(quantization.scale, np.float32).reshape(-1)
            parameters.zeroPoint = np.full(parameters.scale.shape, quantization.zero_point, np.int64)
            parameters.quantizedDimension = quantization.dimension
            tensor.quantization = parameters
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def operator(
        self, code: int, version: int, inputs: Sequence[int], output: int, options: tuple[int, Any] | None
    ) -> None:
        """Append an operator.

        Args:
            code: of ``schema.BuiltinOperator``.
            version: of the operator's definition; runtimes refuse versions newer than they know.
            inputs: tensor indices.
            output: tensor index.
            options: member of ``schema.BuiltinOptions`` and the object, None where the operator has no parameters.
        """
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes.setdefault((code, version), len(self._codes))
        operator.inputs = np.array(inputs, np.int32)
        operator.outputs = np.array([output], np.int32)
        if options is not None:
            operator.builtinOptionsType, operator.builtinOptions = options
        self.operators.append(operator)

    def add_metadata(self, name: str, data: bytes) -> None:
        """Attach bytes that no runtime computes with, under a name."""
        entry = schema.MetadataT()
        entry.name = name
        entry.buffer = self._buffer(data)
        self.metadata.append(entry)

    def finish(self, inputs: Mapping[str, int], outputs: Mapping[str, int], signature: str, description: str) -> bytes:
        """The file's bytes.

        Args:
            inputs: the subgraph's inputs, by their names in the signature.
            outputs: likewise.
            signature: key under which runtimes offer them.
            description: one line for people.
        """
        subgraph = schema.SubGraphT()
        subgraph.name = "main"
        subgraph.tensors = self.tensors
        subgraph.inputs = np.array(list(inputs.values()), np.int32)
        subgraph.outputs = np.array(list(outputs.values()), np.int32)
        subgraph.operators = self.operators

        entry = schema.SignatureDefT()
        entry.signatureKey = signature
        entry.inputs = [_tensor_map(name, index) for name, index in inputs.items()]
        entry.outputs = [_tensor_map(name, index) for name, index in outputs.items()]

        model = schema.ModelT()
        model.version = SCHEMA_VERSION
        model.description = description
        model.operatorCodes = [_operator_code(code, version) for code, version in self._codes]
        model.subgraphs = [subgraph]
        model.buffers = self.buffers
        model.metadata = self.metadata
        model.signatureDefs = [entry]

        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())

    def _buffer(self, data: bytes) -> int:
        self.buffers.append(_Buffer(data))
        return len(self.buffers) - 1


def _tensor_map(name: str, index: int) -> Any:
    entry = schema.TensorMapT()
    entry.name = name
    entry.tensorIndex = index
    return entry


def _operator_code(code: int, version: int) -> Any:
    entry = schema.OperatorCodeT()
    entry.builtinCode = code
    entry.deprecatedBuiltinCode = min(code, _LAST_DEPRECATED_CODE)
    entry.version = version
    return entry

"""An int8 QDQ ONNX classifier made by others as the integer graph.

What the reader of our own files refuses and others commonly write is rewritten first: uint8 activations, which ONNX
Runtime's quantiser makes by default, are the same numbers as int8 with codes and zero points less 128. A global average
pool whose result has a scale of its own becomes a depthwise convolution of equal weights.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, numpy_helper

from pipeline.errors import SixfoldError
from pipeline.graph.ir import DepthwiseConv2D, Tensor
from pipeline.graph.onnx_file import parse_onnx
from pipeline.graph.reader import Reader
from pipeline.importers.imported import LARGEST_FILE, Imported
from pipeline.importers.names import with_safe_names
from pipeline.importers.protobuf import check_size

#: A MobileNetV2 has about 400 nodes.
_MOST_NODES = 4096
#: Bytes of constants that may be read for each byte of the file: constants may be shared, not used by every node.
_READS_PER_BYTE = 8


def read_onnx(data: bytes, where: str) -> Imported:
    """The graph with the file's own metadata.

    Raises:
        SixfoldError: damaged, too large, or with nodes that have no equivalent, by index and name.
    """
    if len(data) > LARGEST_FILE:
        raise SixfoldError(f"{where}: {len(data)} bytes; at most {LARGEST_FILE} are read")
    check_size(data, onnx.ModelProto.DESCRIPTOR, where)
    model = parse_onnx(data, where)
    if len(model.graph.node) > _MOST_NODES:
        raise SixfoldError(f"{where}: {len(model.graph.node)} nodes; at most {_MOST_NODES} are read")
    _name_nodes(model)
    notes = []
    if _signed(model):
        notes.append("uint8 codes and zero points are written as int8, less 128: the same real numbers")
    reader = _ForeignReader(model, where, _READS_PER_BYTE * len(data))
    graph = with_safe_names(reader.read())
    return Imported(graph, (*notes, *reader.notes))


def _name_nodes(model: onnx.ModelProto) -> None:
    """Name nodes that have no name of their own: ONNX does not ask for any."""
    names = set[str]()
    for index, node in enumerate(model.graph.node):
        if not node.name or node.name in names:
            node.name = f"{node.op_type}_{index}"
        names.add(node.name)


def _signed(model: onnx.ModelProto) -> bool:
    """Rewrite uint8 codes and zero points as int8; returns whether there were any."""
    unsigned = {i.name: i for i in model.graph.initializer if i.data_type == TensorProto.UINT8}
    quantizing = ("QuantizeLinear", "DequantizeLinear")
    for node in model.graph.node:
        # A constant that anything else reads as well must stay as it is, and will be refused.
        kept = node.input if node.op_type not in quantizing else node.input[1:2]
        for name in kept:
            unsigned.pop(name, None)
    for name, initializer in unsigned.items():
        codes = numpy_helper.to_array(initializer).astype(np.int16) - 128
        initializer.CopyFrom(numpy_helper.from_array(codes.astype(np.int8), name))
    return bool(unsigned)


class _ForeignReader(Reader):
    """Reads with a budget, and pooling to another scale.

    Attributes:
        notes: what was written as something else.
    """

    def __init__(self, model: onnx.ModelProto, where: str, budget: int) -> None:
        super().__init__(model, where)
        self.notes: list[str] = []
        self._budget = budget

    def array(self, node: onnx.NodeProto, position: int, what: str) -> npt.NDArray[Any]:
        values = super().array(node, position, what)
        self._budget -= values.nbytes
        if self._budget < 0:
            self.refuse(node, "the file's nodes read the same constants again and again")
        return values

    def pooled(self, node: onnx.NodeProto, source: Tensor, result: Tensor) -> None:
        if (source.scale, source.zero_point) == (result.scale, result.zero_point):
            super().pooled(node, source, result)
            return
        height, width, channels = source.shape
        arrays = (
            np.ones(source.shape, np.int8),
            np.full(channels, 1 / (height * width), np.float32),
            np.zeros(channels, np.int32),
        )
        for array in arrays:
            array.setflags(write=False)
        operator = DepthwiseConv2D(node.name, source.name, result.name, *arrays)
        self.check_range(node, operator, axis=2)
        self.add_operator(node, operator)
        self.notes.append(
            f"node {node.name!r} ({node.op_type}): its result has a scale of its own; written as a depthwise "
            f"convolution of {height}x{width} equal weights ({height * width * channels} bytes)"
        )

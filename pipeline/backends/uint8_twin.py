"""The uint8 twin: the integer graph as a QDQ ONNX model whose activations are uint8.

x86 runtimes have fast kernels for unsigned activations and signed weights only (the operand types of VNNI's
``vpdpbusd``); with signed activations they leave part of the network in float. Adding 128 to every activation code and
zero point changes no real value and no accumulator, so the twin's outputs are the graph's outputs plus 128.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from pipeline.graph.ir import FullyConnected, Int8Array, IntegerGraph, Operator, Tensor
from pipeline.graph.qdq import Names, QdqWriter, planar

Uint8Array = npt.NDArray[np.uint8]


def to_uint8(codes: Int8Array) -> Uint8Array:
    """int8 codes to the twin's codes: + 128."""
    return (codes.astype(np.int16) + 128).astype(np.uint8)


def from_uint8(codes: Uint8Array) -> Int8Array:
    """The twin's codes to int8 codes: - 128."""
    return (codes.astype(np.int16) - 128).astype(np.int8)


def planar_uint8(inputs: Int8Array) -> list[Uint8Array]:
    """int8 ``(samples, height, width, channels)`` as the twin takes it: ``(1, channels, height, width)`` each."""
    return [np.ascontiguousarray(image.transpose(2, 0, 1)[np.newaxis]) for image in to_uint8(inputs)]


def uint8_twin(graph: IntegerGraph) -> onnx.ModelProto:
    """Write the whole graph.

    Returns:
        A model with one uint8 input ``(1, channels, height, width)`` and one uint8 output ``(1, classes, 1, 1)``,
        named as the graph's. Deterministic.
    """
    return _write(graph, graph.operators, [graph.input], graph.output)


def operator_twin(graph: IntegerGraph, operator: Operator) -> onnx.ModelProto:
    """Write one operator, to check a runtime's arithmetic on identical inputs.

    Returns:
        A model whose uint8 inputs and output are named as the operator's tensors.
    """
    return _write(graph, [operator], operator.inputs, operator.output)


def _write(graph: IntegerGraph, operators: Sequence[Operator], inputs: Sequence[str], output: str) -> onnx.ModelProto:
    writer = _Uint8Writer(graph)
    for name in inputs:
        writer.dequantize(graph.tensors[name])
    for operator in operators:
        writer.operator(operator)
    # The file's output is the codes; their real value, which the writer appends for a next operator, has no reader.
    writer.nodes.pop()
    return writer.model(
        "sixfold_uint8_twin",
        [_value_info(graph.tensors[name]) for name in inputs],
        [_value_info(graph.tensors[output])],
    )


def _value_info(tensor: Tensor) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(tensor.name, onnx.TensorProto.UINT8, planar(tensor))


class _Uint8Writer(QdqWriter):
    offset = 128
    code_type = np.uint8

    def names(self, tensor: Tensor) -> Names:
        return Names(f"{tensor.name}/exact", tensor.name, f"{tensor.name}/real")

    def fully_connected(self, operator: FullyConnected) -> onnx.NodeProto:
        # As a 1x1 convolution the classifier takes the same integer kernel as the rest of the network.
        return self.convolution(operator, operator.weight[:, :, np.newaxis, np.newaxis])

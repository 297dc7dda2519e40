"""QDQ ONNX files as others write them."""

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from pipeline.graph.ir import IntegerGraph
from pipeline.graph.qdq import int8_qdq
from tests.graph.graphs import small_mobilenet


def unsigned(graph: IntegerGraph) -> onnx.ModelProto:
    """The graph with uint8 activations, as ONNX Runtime's quantiser makes them by default."""
    model = int8_qdq(graph)
    constants = {i.name: i for i in model.graph.initializer}
    for name in graph.tensors:
        zero_point = constants[f"{name}/zero_point"]
        code = int(numpy_helper.to_array(zero_point)) + 128
        zero_point.CopyFrom(numpy_helper.from_array(np.array(code, np.uint8), zero_point.name))
        assert zero_point.data_type == TensorProto.UINT8
    return model


def per_tensor_uint8() -> onnx.ModelProto:
    """A small one."""
    return unsigned(small_mobilenet(4, resolution=8))

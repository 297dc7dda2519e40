"""A full-integer TensorFlow Lite classifier as the integer graph; what has no exact equivalent is refused by operator.

"Exact" means: the same code for every input, in the arithmetic that TensorFlow Lite Micro and CMSIS-NN execute. How
that is decided for fused activations, MEAN, padding and the layers at the ends is said where each is read, and in
docs/import.md for users.
"""

from collections.abc import Callable, Sequence

from ai_edge_litert import schema_py_generated as schema

from pipeline.graph.ir import Add
from pipeline.graph.limits import addition_objection
from pipeline.importers import tflite_ends, tflite_pooling, tflite_shapes, tflite_weighted
from pipeline.importers.imported import Imported
from pipeline.importers.tflite_file import OperatorInfo, TfliteFile
from pipeline.importers.tflite_reading import Reading


def read_tflite(file: TfliteFile, noted_names: Sequence[str] = ()) -> Imported:
    """The graph, without metadata.

    Args:
        file: an opened file.
        noted_names: names for the operators without weights, in order, where the file's writer noted them.

    Raises:
        SixfoldError: what has no exact equivalent, by operator index and name.
    """
    reading = Reading(file, noted_names)
    for reading.index, operator in enumerate(file.operators):
        handler = _HANDLERS.get(operator.code)
        if handler is None:
            reading.refuse(f"is not supported; supported are {', '.join(_SUPPORTED)}")
        if len(operator.outputs) != 1:
            reading.refuse(f"has {len(operator.outputs)} outputs")
        handler(reading, operator)
    return Imported(reading.graph(), tuple(reading.notes))


def _add(reading: Reading, operator: OperatorInfo) -> None:
    left, right = reading.activation(0).tensor, reading.activation(1).tensor
    if left.shape != right.shape:
        reading.refuse(f"adds {list(left.shape)} and {list(right.shape)}; broadcasting is not supported")
    options = reading.options(operator, schema.BuiltinOptions.AddOptions)
    result = reading.result(left.shape, options.int8(0))
    problem = addition_objection(left, right, result)
    if problem is not None:
        reading.refuse(problem)
    reading.append(Add(reading.noted_name(result), left.name, right.name, result.name))


_CODES = schema.BuiltinOperator
_HANDLERS: dict[int, Callable[[Reading, OperatorInfo], None]] = {
    _CODES.ADD: _add,
    _CODES.AVERAGE_POOL_2D: tflite_pooling.average_pool,
    _CODES.CONV_2D: tflite_weighted.convolution,
    _CODES.DEPTHWISE_CONV_2D: tflite_weighted.depthwise,
    _CODES.DEQUANTIZE: tflite_ends.dequantize,
    _CODES.FULLY_CONNECTED: tflite_weighted.fully_connected,
    _CODES.MEAN: tflite_pooling.mean,
    _CODES.PAD: tflite_shapes.pad,
    _CODES.PADV2: tflite_shapes.pad,
    _CODES.QUANTIZE: tflite_ends.quantize,
    _CODES.RESHAPE: tflite_shapes.reshape,
    _CODES.SOFTMAX: tflite_ends.softmax,
    _CODES.SQUEEZE: tflite_shapes.reshape,
}
_SUPPORTED = sorted(name for name, code in vars(_CODES).items() if isinstance(code, int) and code in _HANDLERS)

"""The operators at a classifier's ends, which change how numbers are written and not what the network decides.

At its beginning QUANTIZE turns float32 or uint8 into int8 codes; the graph takes those codes. At its end SOFTMAX,
DEQUANTIZE and QUANTIZE make probabilities, real numbers or uint8 of the logits; all of them keep the order of the
classes, so that the largest logit is that of a class with the largest score. The graph gives the logits.
"""

import math

from ai_edge_litert import schema_py_generated as schema

from pipeline.importers.tflite_file import OperatorInfo, TensorInfo
from pipeline.importers.tflite_reading import Entry, Reading, Scores

_TYPES = schema.TensorType
_SCORES = (_TYPES.INT8, _TYPES.UINT8, _TYPES.INT16, _TYPES.FLOAT32)


def quantize(reading: Reading, operator: OperatorInfo) -> None:
    """float32 or uint8 to int8 at the beginning, int8 to uint8 at the end."""
    value, result = reading.value(0), reading.output_info()
    if not isinstance(value, Entry):
        shifted = result.type == _TYPES.UINT8 and _same_codes(result, reading.input_info(0))
        _end(reading, shifted, "changes a scale; only int8 to the same codes as uint8, at the end, is supported")
        return
    if reading.input is not None:
        reading.refuse("quantises the network's input a second time")
    if value.info.type == _TYPES.UINT8:
        if not _same_codes(value.info, result):
            reading.refuse("the uint8 input must have the int8 tensor's scale, and its zero point plus 128")
        reading.note("left out; the graph takes int8, which is the uint8 input less 128")
    elif value.info.type == _TYPES.FLOAT32:
        reading.note("left out; the graph takes the int8 codes")
    else:
        reading.refuse(f"quantises {value.info.type_name}; only float32 and uint8 inputs are supported")
    _, height, width, channels = value.info.shape
    reading.input = reading.result((height, width, channels)).name


def dequantize(reading: Reading, operator: OperatorInfo) -> None:
    """int8 to float32 at the end."""
    real = reading.output_info().type == _TYPES.FLOAT32
    _end(reading, real, f"gives {reading.output_info().type_name}; only float32 is supported")


def softmax(reading: Reading, operator: OperatorInfo) -> None:
    """Logits to probabilities at the end."""
    beta = reading.options(operator, schema.BuiltinOptions.SoftmaxOptions).float32(0)
    if not (math.isfinite(beta) and beta > 0):
        reading.refuse(f"beta is {beta}; only a positive one keeps the order of the classes")
    known = reading.output_info().type in _SCORES
    _end(reading, known, f"gives {reading.output_info().type_name}, which is not supported")


def _end(reading: Reading, accepted: bool, otherwise: str) -> None:
    """Leave the operator out, if it is accepted where it stands."""
    if not accepted:
        reading.refuse(otherwise)
    value = reading.value(0)
    logits = value.logits if isinstance(value, Scores) else reading.activation(0).tensor
    if logits.shape[:2] != (1, 1) or math.prod(reading.output_info().shape) != logits.shape[2]:
        reading.refuse(f"its input has shape {list(logits.shape)}; it is only supported on the logits of a classifier")
    reading.bind(Scores(logits, reading.described))
    reading.note("left out; the graph gives the logits, the largest of which is of a class with the largest score")


def _same_codes(unsigned: TensorInfo, signed: TensorInfo) -> bool:
    """Whether a uint8 and an int8 tensor stand for the same real numbers when their codes differ by 128."""
    scales, zero_points = (unsigned.scale, signed.scale), (unsigned.zero_point, signed.zero_point)
    return (
        all(len(part) == 1 for part in (*scales, *zero_points))
        and scales[0][0] == scales[1][0]
        and int(zero_points[0][0]) == int(zero_points[1][0]) + 128
    )

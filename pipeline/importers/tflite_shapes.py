"""Operators that only move codes: padding, which convolutions take in, and changes of shape, which move nothing."""

import math

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pipeline.graph.ir import NO_PADDING, Padding, Tensor
from pipeline.importers.tflite_file import OperatorInfo, TensorInfo
from pipeline.importers.tflite_reading import Activation, Reading, Scores

#: Rows or columns that one PAD adds on one side.
_MOST_PADDING = 1024


def pad(reading: Reading, operator: OperatorInfo) -> None:
    """Rows and columns of real zero: kept until a convolution takes them in.

    PAD fills with the zero point of its output; PADV2 with a constant, which must be that zero point.
    """
    source = reading.activation(0, padded=True)
    amounts = reading.constant(1, np.int32)
    if amounts is None:
        amounts = reading.constant(1, np.int64)
    if amounts is None or amounts.shape != (4, 2):
        reading.refuse("its amounts are no constant of 4 axes by 2 sides")
    (batch, (top, bottom), (left, right), channels) = amounts.tolist()
    if any(batch) or any(channels) or not all(0 <= side <= _MOST_PADDING for side in (top, bottom, left, right)):
        reading.refuse(f"pads by {amounts.tolist()}; only 0 to {_MOST_PADDING} rows and columns are supported")
    result, tensor = reading.output_info(), source.tensor
    if not _stands_for_the_same(result, tensor):
        reading.refuse("its result has another type, scale or zero point than its input")
    if len(operator.inputs) > 2:
        fill = reading.constant(2, np.int8)
        if fill is None or fill.size != 1 or int(fill.reshape(-1)[0]) != tensor.zero_point:
            reading.refuse(f"fills with another value than {tensor.zero_point}, the code of zero")
    before = source.padding
    padding = Padding(before.top + top, before.left + left, before.bottom + bottom, before.right + right)
    height, width, depth = tensor.shape
    shape = (1, height + padding.top + padding.bottom, width + padding.left + padding.right, depth)
    if result.shape != shape:
        reading.refuse(f"gives shape {list(result.shape)}; its amounts make it {list(shape)}")
    reading.bind(Activation(tensor, padding))


def reshape(reading: Reading, _: OperatorInfo) -> None:
    """A change of shape after the map was reduced to 1x1: the codes stay as they are."""
    value, result = reading.value(0), reading.output_info()
    if isinstance(value, Scores):
        if math.prod(result.shape) != value.logits.shape[2]:
            reading.refuse(f"gives shape {list(result.shape)} of {value.logits.shape[2]} scores")
        reading.bind(value)
        return
    tensor = reading.activation(0).tensor
    channels = tensor.shape[2]
    if tensor.shape[:2] != (1, 1) or result.shape not in ((1, channels), (1, 1, 1, channels)):
        reading.refuse(
            f"changes shape {[1, *tensor.shape]} to {list(result.shape)}; only 1x1 maps can be flattened: "
            "pool over the whole map before the classifier"
        )
    if not _stands_for_the_same(result, tensor):
        reading.refuse("its result has another type, scale or zero point than its input")
    reading.bind(Activation(tensor, NO_PADDING))


def _stands_for_the_same(info: TensorInfo, tensor: Tensor) -> bool:
    """Whether codes keep their meaning in the tensor that the file describes."""
    single = info.type == schema.TensorType.INT8 and len(info.scale) == len(info.zero_point) == 1
    return single and (float(info.scale[0]), int(info.zero_point[0])) == (tensor.scale, tensor.zero_point)

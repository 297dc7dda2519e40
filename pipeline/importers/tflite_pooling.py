"""Averages over the whole map."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pipeline.graph.ir import DepthwiseConv2D, GlobalAveragePool, Tensor
from pipeline.importers import mean as means
from pipeline.importers.tflite_file import OperatorInfo
from pipeline.importers.tflite_reading import Reading


def average_pool(reading: Reading, operator: OperatorInfo) -> None:
    """AVERAGE_POOL_2D, if its window is the whole map: it divides the sum of the codes, as the graph's pooling does."""
    source = reading.activation(0).tensor
    options = reading.options(operator, schema.BuiltinOptions.Pool2DOptions)
    height, width, channels = source.shape
    window = (options.int32(4), options.int32(3))
    result = reading.output_info()
    if window != (height, width) or result.shape != (1, 1, 1, channels):
        reading.refuse(
            f"its window is {window[0]}x{window[1]} on a map of {height}x{width}; only the whole map is supported"
        )
    if min(options.int32(1), options.int32(2)) < 1 or options.int8(0) not in (0, 1):
        reading.refuse("its stride or padding is none")
    pooled = reading.result((1, 1, channels), options.int8(5))
    if (pooled.scale, pooled.zero_point) != (source.scale, source.zero_point):
        reading.refuse("its result has another scale or zero point than its input")
    reading.append(GlobalAveragePool(reading.noted_name(pooled), source.name, pooled.name))


def mean(reading: Reading, operator: OperatorInfo) -> None:
    """MEAN over height and width, as what computes the same code for every sum: see :mod:`pipeline.importers.mean`."""
    source = reading.activation(0).tensor
    axes = reading.constant(1, np.int32)
    rank = len(reading.input_info(0).shape)
    if axes is None or rank != 4 or axes.size > rank or {int(a) % rank for a in axes.reshape(-1)} != {1, 2}:
        reading.refuse("does not average over constant axes 1 and 2; only height and width are supported")
    height, width, channels = source.shape
    if height * width > means.MOST_ELEMENTS:
        reading.refuse(f"averages {height}x{width} elements; at most {means.MOST_ELEMENTS} are supported")
    result = reading.result((1, 1, channels))
    wanted = means.Mean(height * width, (source.scale, result.scale), (source.zero_point, result.zero_point))
    if means.is_average_pool(wanted):
        reading.append(GlobalAveragePool(reading.operator_name(result.name), source.name, result.name))
        return
    found = means.as_convolution(wanted)
    if found is None:
        reading.refuse(
            f"no operator of the graph computes this mean of {height * width} codes (scale {source.scale:g} to "
            f"{result.scale:g}, zero point {source.zero_point} to {result.zero_point}) for every input"
        )
    reading.append(_equal_weights(reading, source, result, found))
    reading.note(
        f"written as a depthwise convolution of {height}x{width} equal weights ({height * width * channels} bytes), "
        "which gives the same code for every input"
    )


def _equal_weights(reading: Reading, source: Tensor, result: Tensor, found: means.EqualWeights) -> DepthwiseConv2D:
    height, width, channels = source.shape
    arrays = (
        np.full((height, width, channels), found.weight, np.int8),
        np.full(channels, found.weight_scale, np.float32),
        np.full(channels, found.bias, np.int32),
    )
    for array in arrays:
        array.setflags(write=False)
    return DepthwiseConv2D(reading.operator_name(result.name), source.name, result.name, *arrays)

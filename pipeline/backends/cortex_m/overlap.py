"""How far an output may lie over the input that its operator reads for the last time.

A kernel that goes through the image in order needs less and less of its input as it writes more and more of its
output. With the output starting `lead` bytes before the input, what is written never reaches what is still to be
read (Blacker et al., "Reducing the memory footprint of deep neural networks by diagonal memory optimisation", 2020).
"""

import numpy as np
import numpy.typing as npt

from pipeline.graph.ir import Conv2D, DepthwiseConv2D, IntegerGraph


def window_lead(graph: IntegerGraph, operator: Conv2D | DepthwiseConv2D, pixels: int, gathers: bool) -> int:
    """The least lead in bytes for a convolution that computes its output pixels row by row.

    Args:
        graph: the integer graph.
        operator: the convolution.
        pixels: how many pixels it computes together: it writes them in any order, and none before it starts to read
            for the first of them.
        gathers: whether it has read all that these pixels need before it writes the first of them.

    Returns:
        By how much the input must start after the output; at most the output's size, where they are apart.
    """
    height, width, channels = graph.tensors[operator.output].shape
    index = np.arange(height * width)
    first = _first_byte(graph, operator)
    # What the pixels from here on still need, the end of the input once none is left.
    still = np.minimum.accumulate(np.append(first, graph.tensors[operator.input].size)[::-1])[::-1]
    begin = index[::pixels]
    end = np.minimum(begin + pixels, len(index))
    needed = still[end] if gathers else still[begin]
    return int(np.clip((end * channels - needed).max(), 0, graph.tensors[operator.output].size))


def _first_byte(graph: IntegerGraph, operator: Conv2D | DepthwiseConv2D) -> npt.NDArray[np.int64]:
    """For every output pixel, the first byte of the input under its window, or any before it."""
    height, width, _ = graph.tensors[operator.output].shape
    rows, columns, depth = graph.tensors[operator.input].shape
    top = np.clip(np.arange(height) * operator.stride[0] - operator.padding.top, 0, rows - 1)
    left = np.clip(np.arange(width) * operator.stride[1] - operator.padding.left, 0, columns - 1)
    first: npt.NDArray[np.int64] = ((top[:, np.newaxis] * columns + left) * depth).ravel()
    return first

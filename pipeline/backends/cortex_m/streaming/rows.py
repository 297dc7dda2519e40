"""When a cascade of units makes its output rows, and what it still needs of its input then.

This is the order of `firmware/kernels/streaming/common`: an input row goes through all units before the next one
comes, and a 3x3 window is computed as soon as its lower row is there.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.backends.cortex_m.streaming.structure import Unit
from pipeline.graph.ir import Conv2D, DepthwiseConv2D, IntegerGraph


def output_lead(graph: IntegerGraph, units: Sequence[Unit], tiled: bool) -> int:
    """How many bytes the output must start before the whole input, so that no row is written over before it is read.

    The two may then share bytes (:mod:`pipeline.backends.cortex_m.overlap`).

    Args:
        graph: the integer graph.
        units: in order.
        tiled: whether the first one's ring holds a strip of its rows at a time.
    """
    source, result = graph.tensors[units[0].input], graph.tensors[units[-1].output]
    row_bytes = source.shape[1] * source.shape[2]
    written = (np.arange(result.shape[0]) + 1) * result.shape[1] * result.shape[2]
    needed = np.array([_first_needed(graph, units, tiled, row) for row in range(result.shape[0])]) * row_bytes
    return int(np.clip((written - needed).max(), 0, result.size))


def _first_needed(graph: IntegerGraph, units: Sequence[Unit], tiled: bool, row: int) -> int:
    """The first input row that is read while or after an output row is written; the input's height if none is."""
    stem, alone = units[0].is_stem, len(units) == 1
    last: int | None = row
    for unit in reversed(units):
        last = _last_read(graph, unit.depthwise, last)
    if stem:
        last = _last_read(graph, units[0].expand, last)
    if last is None:  # all input has come; an addition still reads the row that it belongs to
        height = graph.tensors[units[0].input].shape[0]
        if tiled and alone:  # the last row of an odd height has waited for one below it
            return height - 1
        return row if alone and units[0].addition else height
    if stem:  # the next window's upper row
        return last + units[0].expand.stride[0] - 2
    if units[0].addition:  # when it is the last unit it reads the row before after it has written
        return last - 1 if alone else last
    if tiled and alone:  # two rows are read strip by strip while the output row is written
        return last - 1
    return last + 1


def _last_read(graph: IntegerGraph, operator: Conv2D | DepthwiseConv2D, row: int | None) -> int | None:
    """The last input row that an output row of a 3x3 window waits for; None: the end of the input."""
    if row is None:
        return None
    last = operator.stride[0] * row + 1
    return last if last < graph.tensors[operator.input].shape[0] else None

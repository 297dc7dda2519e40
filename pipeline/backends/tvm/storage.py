"""How an activation lies in memory while TVM's code runs.

Two liberties are taken with the graph's layout, and neither changes a code:

* each pixel has as many bytes as whole vectors need; what lies beyond the real channels is met by zero weights only;
* a tensor that a padded convolution reads carries its padding as a border of zero points, written by whoever makes the
  tensor, so that no kernel asks whether a tap lies inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.graph.ir import NO_PADDING, Conv2D, DepthwiseConv2D, IntegerGraph, Padding

#: Kernels read four bytes at a time, so a window's last read may pass the last pixel by three.
_SLACK = 4


@dataclass(frozen=True)
class Storage:
    """One tensor as stored: rows of pixels of channels, with a border.

    Attributes:
        height: of the tensor without its border; likewise width.
        channels: that mean something.
        pixel: bytes of one pixel, >= channels.
        border: pixels of zero point around the tensor.
        zero_point: the graph's, -128..127.
    """

    height: int
    width: int
    channels: int
    pixel: int
    border: Padding
    zero_point: int

    @property
    def row(self) -> int:
        """Bytes from a pixel to the one below it."""
        return (self.width + self.border.left + self.border.right) * self.pixel

    @property
    def origin(self) -> int:
        """Offset of the first pixel inside the border."""
        return self.border.top * self.row + self.border.left * self.pixel

    @property
    def size(self) -> int:
        """Bytes of the buffer."""
        return (self.height + self.border.top + self.border.bottom) * self.row + _SLACK


def plan_storage(graph: IntegerGraph, lanes: int) -> Mapping[str, Storage]:
    """Decide for every tensor of the graph.

    Args:
        graph: the integer graph.
        lanes: channels are rounded up to a multiple of this, but for the network's input, which only a convolution
            over all channels reads.
    """
    borders = dict.fromkeys(graph.tensors, NO_PADDING)
    for operator in graph.operators:
        if isinstance(operator, Conv2D | DepthwiseConv2D):
            borders[operator.input] = _union(borders[operator.input], operator.padding)
    readers = [operator for operator in graph.operators if graph.input in operator.inputs]
    result = {}
    for name, tensor in graph.tensors.items():
        height, width, channels = tensor.shape
        dense = name == graph.input and all(isinstance(reader, Conv2D) for reader in readers)
        pixel = channels if dense else -(-channels // lanes) * lanes
        result[name] = Storage(height, width, channels, pixel, borders[name], tensor.zero_point)
    return result


def _union(one: Padding, other: Padding) -> Padding:
    return Padding(
        max(one.top, other.top),
        max(one.left, other.left),
        max(one.bottom, other.bottom),
        max(one.right, other.right),
    )

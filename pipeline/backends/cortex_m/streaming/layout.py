"""How one build of the streaming kernels lays its data out: the seam between the emitter and the builds.

A build is a folder of `firmware/kernels/streaming` and a module of `layouts`. Both know the same bytes; nothing else
does.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipeline.graph.ir import Int8Array, Int32Array

#: Pixels at whose multiples a strip of a row begins (`SIXFOLD_STRIP`).
STRIP = 12
#: Of a column that is carried from tile to tile (`SIXFOLD_COLUMN`), a channel.
COLUMN_BYTES = 4
_WORD = 4


@dataclass(frozen=True)
class Requantization:
    """From accumulators to codes.

    Attributes:
        bias: int32 ``(out channels,)``, with the input's zero point folded in.
        multiplier: int32 ``(out channels,)``.
        shift: int32 ``(out channels,)``, as `firmware/include/sixfold/requantize.h` defines both.
        zero_point: of the output.
        magnitude: ``(out channels,)``, the most that an accumulator's absolute value can be, bias included.
    """

    bias: Int32Array
    multiplier: Int32Array
    shift: Int32Array
    zero_point: int
    magnitude: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Packed:
    """Constants of one operator as a kernel reads them.

    Attributes:
        words: uint32 ``(n,)``, little-endian in the device's memory.
        saturates: see `sixfold_pointwise`.
    """

    words: npt.NDArray[np.uint32]
    saturates: bool


def saved_bytes(width: int, channels: int) -> int:
    """Size of a row that `sixfold_ring_close` takes out of rings, the same in every build: whole words a channel."""
    return channels * -(-width // _WORD) * _WORD


class Layout(Protocol):
    """One build's layouts; sizes are in bytes."""

    def panel_bytes(self, channels: int, pixels: int) -> int:
        """Size of a panel."""

    def ring_bytes(self, width: int, channels: int, slots: int) -> int:
        """Size of a ring of one or three rows."""

    def pack_pointwise(self, weight: Int8Array, requantization: Requantization, *, expands: bool) -> Packed:
        """Constants for `sixfold_stream_expand` (`expands`) or `sixfold_stream_project`; weight ``(out, in)``."""

    def pack_depthwise(self, weight: Int8Array, requantization: Requantization) -> Packed:
        """Constants for `sixfold_stream_depthwise`; weight ``(3, 3, channels)``."""

    def pack_classifier(self, weight: Int8Array, requantization: Requantization) -> Packed:
        """Constants for `sixfold_stream_classify`; weight ``(out, in)``."""

"""The layouts of `firmware/kernels/streaming/portable` (its layout.h describes them)."""

import numpy as np
import numpy.typing as npt

from pipeline.backends.cortex_m.streaming.layout import Packed, Requantization
from pipeline.graph.ir import Int8Array

#: The unused bytes of a filter, behind its nine weights.
_FILTER_PADDING = 3


class PortableLayout:
    """Everything as it comes: a panel is the pixels themselves."""

    def panel_bytes(self, channels: int, pixels: int) -> int:
        """Size of a panel."""
        return channels * pixels

    def ring_bytes(self, width: int, channels: int, slots: int) -> int:
        """Size of a ring of one or three rows."""
        return channels * slots * (width + 2)

    def pack_pointwise(self, weight: Int8Array, requantization: Requantization, *, expands: bool) -> Packed:
        """Constants for a matrix product, the same in both directions; weight ``(out, in)``."""
        weights = np.zeros(-(-weight.size // 4) * 4, np.int8)
        weights[: weight.size] = weight.ravel()
        return Packed(np.concatenate([_columns(requantization).ravel(), weights.view("<u4")]), saturates=False)

    def pack_depthwise(self, weight: Int8Array, requantization: Requantization) -> Packed:
        """Constants for a depthwise convolution; weight ``(3, 3, channels)``."""
        filters = np.pad(weight.reshape(9, -1).T, ((0, 0), (0, _FILTER_PADDING)))
        weights = np.ascontiguousarray(filters).view("<u4")
        return Packed(np.concatenate([_columns(requantization), weights], axis=1).ravel(), saturates=False)

    def pack_classifier(self, weight: Int8Array, requantization: Requantization) -> Packed:
        """Constants for the classifier; weight ``(out, in)``."""
        return self.pack_pointwise(weight, requantization, expands=False)


def _columns(requantization: Requantization) -> npt.NDArray[np.uint32]:
    """Bias, multiplier, shift: ``(out channels, 3)``."""
    columns = np.stack([requantization.bias, requantization.multiplier, requantization.shift], axis=1)
    return columns.astype("<i4").view("<u4")


LAYOUT = PortableLayout()

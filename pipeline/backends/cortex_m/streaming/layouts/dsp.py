"""The layouts of `firmware/kernels/streaming/dsp` (its layout.h describes panel and ring, the .S files constants).

Constants come in two forms. *Fast* is what the assembly reads; it needs sums and rounding terms that stay inside int32.
*Exact* serves any numbers that the format allows, by plain C; no trained network needs it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.backends.cortex_m.streaming.layout import Packed, Requantization
from pipeline.graph.ir import Int8Array

_GROUP = 4
#: Marks the last channel in the word that holds its shift.
_LAST = np.uint32(1 << 31)
_LIMIT = 2**31

Words = npt.NDArray[np.uint32]
Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Fast:
    """A requantisation for the assembly; arrays ``(out channels,)``.

    ``code = saturate((rounding + high(2 * sum * multiplier)) >> shift)`` with the zero point in `rounding`; without
    saturation at -128 the rounding is one less for negative sums, and every shift is at least 1.
    """

    multiplier: Int64Array
    rounding: Int64Array
    shift: Int64Array
    fits: bool


def _fast(requantization: Requantization, *, saturates: bool) -> _Fast:
    multiplier = requantization.multiplier.astype(np.int64)
    left = requantization.shift.astype(np.int64)
    shift = np.maximum(-left, 0)
    magnitude = requantization.magnitude
    high = (magnitude * multiplier + 2**30) >> 31
    # What always rounds to zero (a channel without weights, say) needs no shift that would overflow.
    vanishes = high < (1 << shift) >> 1
    multiplier, shift = np.where(vanishes, 0, multiplier), np.where(vanishes, 1, shift)
    high, left = np.where(vanishes, 0, high), np.where(vanishes, -1, left)
    rounding = ((1 << shift) >> 1) + requantization.zero_point * (1 << shift)
    # One more for the lowering of negative sums.
    fits = (2 * magnitude < _LIMIT) & (np.abs(rounding) + high + 1 < _LIMIT) & (left <= (0 if saturates else -1))
    ends_at_zero = not saturates or requantization.zero_point == -128
    return _Fast(multiplier, rounding, shift, fits=bool(fits.all()) and ends_at_zero)


def _requantization_columns(fast: _Fast) -> Words:
    """Multiplier, rounding, shift: ``(out channels, 3)``, the last channel marked."""
    columns = _words(np.stack([fast.multiplier, fast.rounding, fast.shift], axis=1))
    columns[-1, 2] |= _LAST
    return columns


def _exact_columns(requantization: Requantization) -> Words:
    """Bias, multiplier, shift: ``(out channels, 3)``."""
    return _words(np.stack([requantization.bias, requantization.multiplier, requantization.shift], axis=1))


def _words(values: npt.NDArray[np.integer]) -> Words:
    """int32 values as words."""
    return values.astype("<i4").view("<u4")


def _groups(weight: Int8Array, order: tuple[int, ...]) -> Words:
    """Four input channels a word, zeros behind the last, those of a group in `order`: ``(out, groups)``."""
    outputs, inputs = weight.shape
    padded = np.pad(weight, ((0, 0), (0, -inputs % _GROUP))).reshape(outputs, -1, _GROUP)
    return np.ascontiguousarray(padded[:, :, order]).view("<u4").reshape(outputs, -1)


class DspLayout:
    """Panels of int16, rings channel by channel in words."""

    def panel_bytes(self, channels: int, pixels: int) -> int:
        """Size of a panel."""
        return 2 * _GROUP * -(-channels // _GROUP) * pixels

    def ring_bytes(self, width: int, channels: int, slots: int) -> int:
        """Size of a ring of one or three rows."""
        return channels * slots * _pitch(width)

    def pack_pointwise(self, weight: Int8Array, requantization: Requantization, *, expands: bool) -> Packed:
        """Constants for a matrix product: whether they are fast, then these; weight ``(out, in)``."""
        fast = _fast(requantization, saturates=expands)
        header = np.array([fast.fits], np.uint32)
        if not fast.fits:
            return Packed(np.concatenate([header, self._exact_product(weight, requantization)]), saturates=False)
        # Panels of the expansion are doubled; those of the depthwise convolution have their channels in order.
        weights = _groups(weight, (0, 1, 2, 3) if expands else (0, 2, 1, 3))
        bias = _words(requantization.bias * (2 if expands else 1))[:, np.newaxis]
        channels = [weights[:, :1], bias, weights[:, 1:], _requantization_columns(fast)]
        return Packed(np.concatenate([header, np.concatenate(channels, axis=1).ravel()]), saturates=expands)

    def pack_depthwise(self, weight: Int8Array, requantization: Requantization) -> Packed:
        """Constants for a depthwise convolution; weight ``(3, 3, channels)``."""
        fast = _fast(requantization, saturates=True)
        if not fast.fits:
            filters = np.ascontiguousarray(np.pad(weight.reshape(9, -1).T, ((0, 0), (0, 3)))).view("<u4")
            return Packed(np.concatenate([_exact_columns(requantization), filters], axis=1).ravel(), saturates=False)
        taps = 2 * weight.transpose(2, 0, 1).astype("<i2")
        pairs = np.stack([taps[:, :, :2], taps[:, :, 1:]], axis=2)
        rows = np.ascontiguousarray(pairs).view("<u4").reshape(len(taps), 6)
        bias = _words(2 * requantization.bias)[:, np.newaxis]
        channels = [rows[:, :2], bias, rows[:, 2:], _requantization_columns(fast)]
        return Packed(np.concatenate(channels, axis=1).ravel(), saturates=True)

    def pack_classifier(self, weight: Int8Array, requantization: Requantization) -> Packed:
        """Constants for the classifier; weight ``(out, in)``."""
        return Packed(self._exact_product(weight, requantization), saturates=False)

    def _exact_product(self, weight: Int8Array, requantization: Requantization) -> Words:
        groups = _groups(weight, (0, 1, 2, 3))
        return np.concatenate([_exact_columns(requantization), groups], axis=1).ravel()


def _pitch(width: int) -> int:
    """Bytes of a row with its padding columns."""
    return -(-(width + 2) // 4) * 4


LAYOUT = DspLayout()

"""The layouts of `firmware/kernels/streaming/dsp` (its layout.h describes panel and ring, the .S files constants).

Constants come in two forms. *Fast* is what the assembly reads; it needs sums and rounding terms that stay inside int32.
*Exact* serves any numbers that the format allows, by plain C; no trained network needs it.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.backends.cortex_m.streaming.layout import Packed, Requantization
from pipeline.graph.ir import Int8Array

#: Input channels are computed four at a time, in two pairs.
_GROUP = 4
#: Marks the last channels, in the word that holds their shift.
_LAST = np.uint32(1 << 31)
#: Marks the last channel of all where those of either half are marked already.
_LAST_OF_ALL = np.uint32(1 << 30)
_LIMIT = 2**31
#: Forms of a product's constants, their first word: `DSP_EXACT` and the others of layout.h.
_EXACT, _SCALED, _PLAIN = range(3)

Words = npt.NDArray[np.uint32]
Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Fast:
    """A requantisation for the assembly; arrays ``(out channels,)``.

    ``code = saturate((rounding + high(2 * sum * multiplier)) >> shift)`` with the zero point in `rounding`; without
    saturation at -128 the rounding is one less for negative sums, and every shift is at least 1. `high` is the most
    that the product's absolute value can be.
    """

    multiplier: Int64Array
    rounding: Int64Array
    shift: Int64Array
    high: Int64Array
    fits: bool

    @property
    def scales(self) -> bool:
        """Whether 256 times the value before the shift fits for every second channel."""
        return bool((256 * (np.abs(self.rounding) + self.high + 1) < _LIMIT)[1::2].all())

    def scaled(self) -> "_Fast":
        """For 256 times the sum in every second channel, with both halves of the rounding in one term."""
        rounding, shift = self.rounding.copy(), self.shift.copy()
        rounding[1::2] = 256 * rounding[1::2] + 128
        shift[1::2] += 8
        return replace(self, rounding=rounding, shift=shift)


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
    return _Fast(multiplier, rounding, shift, high, fits=bool(fits.all()) and ends_at_zero)


def _requantization_columns(fast: _Fast) -> Words:
    """Multiplier, rounding, shift: ``(out channels, 3)``, the last channel marked."""
    columns = _words(np.stack([fast.multiplier, fast.rounding, fast.shift], axis=1))
    columns[-1, 2] |= _LAST
    return columns


def _lanes(weight: Int8Array) -> Int64Array:
    """Weights of two output channels in one number each, ``256 * second + first``: ``(out / 2, in)``."""
    wide = weight.astype(np.int64)
    return 256 * wide[1::2] + wide[::2]


def _with_form(form: int, words: Words) -> Words:
    """A product's constants behind the word that says what they are."""
    return np.concatenate([np.array([form], np.uint32), words])


def _exact_columns(requantization: Requantization) -> Words:
    """Bias, multiplier, shift: ``(out channels, 3)``."""
    return _words(np.stack([requantization.bias, requantization.multiplier, requantization.shift], axis=1))


def _words(values: npt.NDArray[np.integer]) -> Words:
    """int32 values as words."""
    return values.astype("<i4").view("<u4")


def _padded(weight: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """Zeros behind the last input channel, up to a whole group; weight ``(out, in)``."""
    return np.pad(weight, ((0, 0), (0, -weight.shape[1] % _GROUP)))


def _pairs(lanes: Int64Array, *, expands: bool) -> Words:
    """Two input channels a word, as the panel has them: ``(out / 2, pairs)``."""
    padded = _padded(lanes)
    rows, inputs = padded.shape
    # Of every four channels 0 and 2, then 1 and 3; or those of either half.
    paired = padded.reshape(rows, -1, 2, 2 if expands else inputs // 2).swapaxes(2, 3)
    return np.ascontiguousarray(paired.astype("<i2")).view("<u4").reshape(rows, inputs // 2)


class DspLayout:
    """Panels of int16, rings channel by channel in words."""

    def panel_bytes(self, channels: int, pixels: int) -> int:
        """Size of a panel."""
        return 2 * _GROUP * -(-channels // _GROUP) * pixels

    def ring_bytes(self, width: int, channels: int, slots: int) -> int:
        """Size of a ring of one or three rows."""
        return channels * slots * _pitch(width)

    def pack_pointwise(self, weight: Int8Array, requantization: Requantization, *, expands: bool) -> Packed:
        """Constants for a matrix product, their form first; weight ``(out, in)``."""
        fast = _fast(requantization, saturates=expands)
        # Panels of the expansion are doubled, so sums and biases are.
        scale = 2 if expands else 1
        lanes = _lanes(weight) if len(weight) % 2 == 0 else None
        fits = (
            (fast.fits and lanes is not None)
            and bool((np.abs(lanes + 0.5) < 2**15).all())
            and bool((256 * scale * requantization.magnitude[1::2] < _LIMIT).all())
        )
        if lanes is None or not fits:
            return Packed(_with_form(_EXACT, self._exact_product(weight, requantization)), saturates=False)
        form = _PLAIN
        if expands and fast.scales:
            form, fast = _SCALED, fast.scaled()
        pairs = _pairs(lanes, expands=expands)
        biases = scale * requantization.bias.astype(np.int64)
        sums = np.stack([biases[::2], 256 * biases[1::2] + biases[::2]], axis=1).astype("<u4")
        channels = [pairs[:, :2], sums, pairs[:, 2:], _requantization_columns(fast).reshape(-1, 6)]
        return Packed(_with_form(form, np.concatenate(channels, axis=1).ravel()), saturates=expands)

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
        columns = _requantization_columns(fast)
        columns[-1, 2] |= _LAST_OF_ALL
        half = -(-len(taps) // _GROUP) * 2
        columns[min(half, len(taps)) - 1, 2] |= _LAST
        channels = [rows[:, :2], bias, rows[:, 2:], columns]
        return Packed(np.concatenate(channels, axis=1).ravel(), saturates=True)

    def pack_classifier(self, weight: Int8Array, requantization: Requantization) -> Packed:
        """Constants for the classifier: those of four outputs together, group by group; weight ``(out, in)``."""
        spare = -len(weight) % _GROUP
        columns = np.pad(_exact_columns(requantization), ((0, spare), (0, 0)))
        groups = np.pad(_groups(weight), ((0, spare), (0, 0)))
        inputs = groups.shape[1]
        blocks = [
            columns.reshape(-1, 3 * _GROUP),
            groups.reshape(-1, _GROUP, inputs).swapaxes(1, 2).reshape(-1, _GROUP * inputs),
        ]
        return Packed(np.concatenate(blocks, axis=1).ravel(), saturates=False)

    def _exact_product(self, weight: Int8Array, requantization: Requantization) -> Words:
        return np.concatenate([_exact_columns(requantization), _groups(weight)], axis=1).ravel()


def _groups(weight: Int8Array) -> Words:
    """Four input channels a word: ``(out, groups)``."""
    return np.ascontiguousarray(_padded(weight)).view("<u4")


def _pitch(width: int) -> int:
    """Bytes of a row with its padding columns."""
    return -(-(width + 2) // 4) * 4


LAYOUT = DspLayout()

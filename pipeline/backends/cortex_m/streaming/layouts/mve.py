"""The layouts of `firmware/kernels/streaming/mve` (its layout.h, product.h and depthwise.h describe them)."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.backends.cortex_m.streaming.layout import Packed, Requantization
from pipeline.graph.ir import Int8Array

_CHUNK = 16  # channels in a vector
_GROUP = 4  # pixels that are computed together

#: What loads of sixteen bytes may read behind the last window of a ring.
_RING_SPARE_BYTES = 32

#: Requantisations of a matrix product, as pointwise.c numbers them.
_SATURATING, _ROUNDING, _EXACT = range(3)

#: Bits of a code's place in a word: the top byte.
_CODE_SHIFT = 24

Words = npt.NDArray[np.int32]
Scalar = TypeVar("Scalar", np.int8, np.int32)


class MveLayout:
    """Sixteen channels a vector, four pixels a group, rows of a ring interleaved byte by byte."""

    def panel_bytes(self, channels: int, pixels: int) -> int:
        """Size of a panel."""
        return _round_up(channels, _CHUNK) * _round_up(pixels, _GROUP)

    def ring_bytes(self, width: int, channels: int, slots: int) -> int:
        """Size of a ring of one or three rows."""
        return channels * slots * (width + 2) + _RING_SPARE_BYTES

    def pack_pointwise(self, weight: Int8Array, requantization: Requantization, *, expands: bool) -> Packed:
        """Constants for a matrix product, the same in both directions; weight ``(out, in)``.

        An odd number of outputs is made even by the last one again.
        """
        kind = _kind(requantization)
        numbers = _exact_numbers(requantization) if kind == _EXACT else _numbers(requantization)
        numbers = _in_pairs(numbers).reshape(-1, 2 * numbers.shape[1])
        if kind != _EXACT:
            numbers = numbers[:, _PAIR_ORDER]
        pairs = np.concatenate([_weights_in_pairs(weight), numbers], axis=1)
        return _packed(np.concatenate([np.array([kind], np.int32), pairs.ravel()]), kind == _SATURATING)

    def pack_depthwise(self, weight: Int8Array, requantization: Requantization) -> Packed:
        """Constants for a depthwise convolution; weight ``(3, 3, channels)``.

        The taps lie as the rows do in a ring, column by column: three times, for the slots of the upper row.
        """
        saturates = _kind(requantization) == _SATURATING
        numbers = (_numbers if saturates else _exact_numbers)(requantization)
        turns = [np.roll(weight, top, axis=0).transpose(2, 1, 0).reshape(-1, 9) for top in range(3)]
        taps = np.pad(np.concatenate(turns, axis=1), ((0, 0), (0, 1)))
        return _packed(np.concatenate([numbers, np.ascontiguousarray(taps).view("<i4")], axis=1), saturates)

    def pack_classifier(self, weight: Int8Array, requantization: Requantization) -> Packed:
        """Constants for the classifier; weight ``(out, in)``."""
        columns = (requantization.bias, requantization.multiplier, requantization.shift)
        numbers = np.concatenate([_in_pairs(column) for column in columns], axis=1)
        return _packed(np.concatenate([_weights_in_pairs(weight), numbers], axis=1), saturates=False)


#: Multiplier, bias, term, shift of two channels in the order in which the assembly's registers take them.
_PAIR_ORDER = np.array([0, 1, 4, 2, 3, 5, 6, 7])


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _in_pairs(rows: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Rows by two, the last one again if their number is odd: ``(pairs, 2, ...)``."""
    pairs = np.minimum(np.arange(_round_up(len(rows), 2)), len(rows) - 1).reshape(-1, 2)
    return rows[pairs]


def _weights_in_pairs(weight: Int8Array) -> Words:
    """Weights ``(out, in)`` as ``(pairs, words)``: chunk by chunk, the two rows of a pair in turns."""
    chunks = np.pad(weight, ((0, 0), (0, -weight.shape[1] % _CHUNK))).reshape(len(weight), -1, _CHUNK)
    pairs = np.ascontiguousarray(_in_pairs(chunks).swapaxes(1, 2))
    return pairs.view("<i4").reshape(len(pairs), -1)


def _packed(words: Words, saturates: bool) -> Packed:
    return Packed(np.ascontiguousarray(words, "<i4").ravel().view("<u4"), saturates)


def _kind(requantization: Requantization) -> int:
    """The shortest requantisation that is exact: see product.S."""
    down = -requantization.shift
    if requantization.zero_point == -128 and (down >= 0).all() and (down <= _CODE_SHIFT).all():
        return _SATURATING
    return _ROUNDING if (down >= 1).all() and (down <= _CODE_SHIFT).all() else _EXACT


def _numbers(requantization: Requantization) -> Words:
    """Multiplier, bias, term, shift to the top byte: ``(out channels, 4)``; not for the exact kind.

    The term is half a step, so that the shift to the right rounds half up, and the zero point before that shift.
    """
    down = -requantization.shift.astype(np.int64)
    term = (np.int64(1) << down >> 1) + (np.int64(requantization.zero_point) << down)
    columns = [requantization.multiplier, requantization.bias, term, _CODE_SHIFT - down]
    return np.stack(columns, axis=1).astype(np.int32)


def _exact_numbers(requantization: Requantization) -> Words:
    """Bias, shift to the left, multiplier, what negative values are changed by, shift, zero point: ``(out, 6)``.

    Lowered by one, negative values that are shifted to the right with halves up round halves away from zero.
    """
    shift = requantization.shift
    columns = [
        *(requantization.bias, np.maximum(shift, 0), requantization.multiplier, -(shift < 0).astype(np.int32)),
        *(np.minimum(shift, 0), np.full_like(shift, requantization.zero_point)),
    ]
    return np.stack(columns, axis=1).astype(np.int32)


LAYOUT = MveLayout()

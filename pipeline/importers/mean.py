"""TensorFlow Lite's MEAN over height and width, as operators of the integer graph that compute the same code.

MEAN centres the sum, multiplies it by (input scale / output scale) / elements as one fixed-point factor, and adds the
output's zero point. The graph's global average pool divides the sum of the codes instead, and a convolution with equal
weights has a factor of its own; each rounds elsewhere. But the sum of n codes has only 255 n + 1 values, so whether one
of them computes the same function is not a matter of tolerance: it is decided here, for every sum. All of these
functions are monotone, and so equal exactly where their steps lie at the same sums.

Source: QuantizedMeanOrSum in TensorFlow Lite's reference kernels, which LiteRT 2.3 and TensorFlow Lite Micro both
execute.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.graph.fixed_point import multiply_by_quantized_multiplier, quantize_multiplier

Int64Array: TypeAlias = npt.NDArray[np.int64]
Codes: TypeAlias = Callable[[Int64Array], Int64Array]

#: Elements that are averaged; a map of 64x64 is 16 times that of any MobileNet.
MOST_ELEMENTS = 4096

#: Weight codes that are tried for the convolution: a larger one makes the accumulator finer.
_WEIGHTS = (1, 2, 4, 8, 16, 32, 64, 127)
#: How far from 1 the ratio of a line's slope to the ideal one may be.
_SLOPE_RANGE = 1e-3
#: Biases around the ideal one that are tried.
_BIAS_OFFSETS = tuple(sorted(range(-8, 9), key=abs))


@dataclass(frozen=True)
class Mean:
    """What the file says.

    Attributes:
        elements: rows times columns that are averaged, 1 to :data:`MOST_ELEMENTS`.
        scale: of the input, then of the output; float32 values.
        zero_point: likewise.
    """

    elements: int
    scale: tuple[float, float]
    zero_point: tuple[int, int]


@dataclass(frozen=True)
class EqualWeights:
    """A depthwise convolution over the whole map that computes a mean.

    Attributes:
        weight: the code of every weight.
        weight_scale: of every channel, a float32 value.
        bias: of every channel.
    """

    weight: int
    weight_scale: float
    bias: int


def is_average_pool(mean: Mean) -> bool:
    """Whether dividing the sum of the raw codes, half away from zero, gives the same code for every input."""
    if mean.scale[0] != mean.scale[1] or mean.zero_point[0] != mean.zero_point[1]:
        return False
    count, zero_point = mean.elements, mean.zero_point[0]

    def pool(centred: Int64Array) -> Int64Array:
        total = centred + count * zero_point
        nudged = total + np.where(total > 0, count // 2, -(count // 2))
        quotient: Int64Array = np.sign(nudged) * (np.abs(nudged) // count)
        return quotient

    return _equal(mean, _steps(mean), pool)


def as_convolution(mean: Mean) -> EqualWeights | None:
    """A depthwise convolution that gives the same code for every input, the plainest that is found; None if none is."""
    steps = _steps(mean)
    found = (candidate for candidate in _candidates(mean, steps) if _equal(mean, steps, _codes(mean, candidate)))
    return next(found, None)


def _exact(mean: Mean) -> Codes:
    """MEAN's code of a centred sum."""
    multiplier, shift = (int(part) for part in quantize_multiplier(_ratio(mean)))
    # The specification folds 1 / elements into the multiplier with as many bits as fit, rounding down.
    bits = min(mean.elements.bit_length() - 1, 32, 31 + shift)
    multiplier, shift = (multiplier << bits) // mean.elements, shift - bits

    def codes(centred: Int64Array) -> Int64Array:
        return multiply_by_quantized_multiplier(centred, multiplier, shift) + mean.zero_point[1]

    return codes


def _ratio(mean: Mean) -> np.float64:
    return np.float64(np.float32(mean.scale[0])) / np.float64(np.float32(mean.scale[1]))


def _codes(mean: Mean, candidate: EqualWeights) -> Codes:
    """The convolution's code of a centred sum, as :mod:`pipeline.graph.reference` computes it."""
    factor = np.float64(np.float32(mean.scale[0])) * np.float64(np.float32(candidate.weight_scale))
    multiplier, shift = quantize_multiplier(factor / np.float64(np.float32(mean.scale[1])))

    def codes(centred: Int64Array) -> Int64Array:
        accumulator = centred * candidate.weight + candidate.bias
        return multiply_by_quantized_multiplier(accumulator, multiplier, shift) + mean.zero_point[1]

    return codes


def _candidates(mean: Mean, steps: Int64Array) -> Iterator[EqualWeights]:
    """From plain to contrived: small weights first, then the ideal scale, then no bias."""
    lowest, highest = _bounds(mean)
    stepped = (steps > lowest) & (steps <= highest)
    # A line that rounds to MEAN's codes is at least half a code below each code at its step, and less before it.
    halves, at = (np.arange(-127, 128) - 0.5 - mean.zero_point[1])[stepped], steps[stepped]

    def offsets(slope: float) -> tuple[float, float]:
        """The least and the greatest that the line of this slope may be at 0; the greatest is below if it fits none."""
        return np.max(halves - slope * at, initial=-1e9), np.min(halves - slope * (at - 1), initial=1e9)

    ideal = float(_ratio(mean)) / mean.elements
    low, high = ideal * (1 - _SLOPE_RANGE), ideal * (1 + _SLOPE_RANGE)
    for _ in range(60):  # the room is a concave function of the slope
        first, second = low + (high - low) / 3, high - (high - low) / 3
        if np.subtract(*offsets(first)) < np.subtract(*offsets(second)):
            high = second
        else:
            low = first
    for weight in _WEIGHTS:
        for slope in (ideal, (low + high) / 2):
            weight_scale = np.float32(slope / (float(_ratio(mean)) * weight))
            middle = sum(offsets(slope)) / 2
            # The convolution rounds twice, too, which moves the line by a few steps of the accumulator.
            centre = round(float(np.clip(middle * weight / slope, -(2**20), 2**20)))
            for bias in dict.fromkeys((0, *(centre + offset for offset in _BIAS_OFFSETS))):
                yield EqualWeights(weight, float(weight_scale), bias)


def _bounds(mean: Mean) -> tuple[int, int]:
    """The least and the greatest centred sum."""
    return mean.elements * (-128 - mean.zero_point[0]), mean.elements * (127 - mean.zero_point[0])


def _steps(mean: Mean) -> Int64Array:
    """For each code from -127 to 127, the least sum whose code is at least that; one above the greatest if none is."""
    codes = _exact(mean)
    lowest, highest = _bounds(mean)
    low, high = np.full(255, lowest), np.full(255, highest + 1)
    wanted = np.arange(-127, 128)
    while (low < high).any():
        middle = (low + high) // 2
        reached = codes(middle) >= wanted
        low, high = np.where(reached, low, np.minimum(middle + 1, high)), np.where(reached, middle, high)
    return low


def _equal(mean: Mean, steps: Int64Array, codes: Codes) -> bool:
    """Whether `codes`, saturated, steps at the same sums within bounds."""
    lowest, highest = _bounds(mean)
    wanted = np.arange(-127, 128)
    inside, above_lowest = steps <= highest, steps > lowest
    reaches = (codes(np.minimum(steps, highest)) >= wanted) | ~inside
    not_before = (codes(np.maximum(steps - 1, lowest)) < wanted) | ~above_lowest
    return bool((reaches & not_before).all())

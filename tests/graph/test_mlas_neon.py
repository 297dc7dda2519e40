"""Addition as ONNX Runtime does it on Arm; that it is so is checked by tests/runners/test_qemu_user_folder.py."""

from fractions import Fraction

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.graph import mlas_neon
from pipeline.graph.ir import Tensor

CODES = np.arange(-128, 128, dtype=np.int8)
LEFT, RIGHT = (grid.ravel() for grid in np.meshgrid(CODES, CODES))


def tensor(scale, zero_point):
    return Tensor("t", (1, 1, 1), float(np.float32(scale)), zero_point)


@given(
    scales=st.tuples(*[st.floats(1e-3, 10)] * 3),
    zeros=st.tuples(*[st.integers(-128, 127)] * 3),
    position=st.integers(0, len(LEFT) - 1),
)
def test_the_sum_is_within_a_tie_of_the_real_one(scales, zeros, position):
    left, right, result = map(tensor, scales, zeros)
    assume(mlas_neon.takes_addition(left, right, result))
    a, b = LEFT[position : position + 1], RIGHT[position : position + 1]
    (code,) = mlas_neon.add(a, b, left, right, result)
    real = (int(a[0]) - left.zero_point) * Fraction(left.scale) + (int(b[0]) - right.zero_point) * Fraction(right.scale)
    exact = real / Fraction(result.scale) + result.zero_point
    # Each multiplier is off by half a step of 2^-21 of the larger ratio, and by the ratio's own float32 rounding.
    ratio = max(left.scale, right.scale) / result.scale
    bound = Fraction(1, 2) + 2 * 255 * Fraction(ratio) * (Fraction(1, 2**22) + Fraction(1, 2**24))
    assert abs(int(code) - min(max(exact, -128), 127)) <= bound


def test_a_tie_goes_away_from_zero_before_the_zero_point():
    half, one = tensor(0.5, 0), tensor(1.0, 3)
    odd = np.array([-3, -1, 1, 3], np.int8)
    codes = mlas_neon.add(odd, np.zeros(4, np.int8), half, half, one)
    assert codes.tolist() == [3 - 2, 3 - 1, 3 + 1, 3 + 2]


def test_ratios_out_of_its_range_are_not_taken():
    one = tensor(1, 0)
    assert mlas_neon.takes_addition(one, one, one)
    for scale in (2.0**-15, 2.0**8, 200.0):
        assert not mlas_neon.takes_addition(one, tensor(scale, 0), one)

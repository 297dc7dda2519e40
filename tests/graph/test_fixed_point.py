import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.graph.fixed_point import add_requantization, multiply_by_quantized_multiplier, quantize_multiplier
from pipeline.graph.ir import Add, IntegerGraph, Tensor

INT32 = st.integers(-(2**31), 2**31 - 1)


def c_divide(numerator: int, denominator: int) -> int:
    """C's integer division, towards zero."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def saturating_rounding_doubling_high_multiply(a: int, b: int) -> int:
    """The specification's text in exact integers."""
    nudge = 2**30 if a * b >= 0 else 1 - 2**30
    return c_divide(a * b + nudge, 2**31)


def rounding_divide_by_power_of_two(x: int, exponent: int) -> int:
    mask = 2**exponent - 1
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> exponent) + (1 if (x & mask) > threshold else 0)


@given(value=INT32, multiplier=st.integers(2**30, 2**31 - 1), shift=st.integers(-31, 0))
def test_multiplication_follows_the_specification(value, multiplier, shift):
    expected = rounding_divide_by_power_of_two(saturating_rounding_doubling_high_multiply(value, multiplier), -shift)
    assert multiply_by_quantized_multiplier(value, multiplier, shift) == expected


@given(value=st.integers(-(2**20), 2**20), multiplier=st.integers(2**30, 2**31 - 1), shift=st.integers(1, 10))
def test_a_left_shift_is_applied_before_the_multiplication(value, multiplier, shift):
    expected = saturating_rounding_doubling_high_multiply(value << shift, multiplier)
    assert multiply_by_quantized_multiplier(value, multiplier, shift) == expected


@given(factor=st.floats(2.0**-31, 2.0**29))
def test_a_factor_is_kept_to_31_bits(factor):
    multiplier, shift = quantize_multiplier(factor)
    assert 2**30 <= multiplier < 2**31
    assert math.isclose(int(multiplier) * 2.0 ** (int(shift) - 31), factor, rel_tol=2.0**-31)


def test_a_mantissa_that_rounds_up_to_one_is_carried():
    multiplier, shift = quantize_multiplier(np.nextafter(1.0, 0))
    assert (multiplier, shift) == (2**30, 1)


def test_a_vanishing_factor_is_zero():
    multiplier, shift = quantize_multiplier(2.0**-40)
    assert (multiplier, shift) == (0, 0)


@pytest.mark.parametrize("factor", [np.nan, np.inf, -0.5, 2.0**30])
def test_an_impossible_factor_is_refused(factor):
    with pytest.raises(ValueError, match="requantisation factor"):
        quantize_multiplier([0.5, factor])


@given(st.floats(1e-3, 1), st.floats(1e-3, 1), st.floats(1e-3, 1))
def test_the_factors_of_an_addition_multiply_to_the_scale_ratios(left, right, result):
    scales = [float(np.float32(s)) for s in (left, right, result)]
    tensors = {n: Tensor(n, (1, 1, 1), s, 0) for n, s in zip("lro", scales, strict=True)}
    add = Add("add", "l", "r", "o")
    factors = add_requantization(IntegerGraph(tensors, (add,), "l", "o"), add)

    def real(multiplier: int, shift: int) -> float:
        return multiplier * 2.0 ** (shift - 31)

    output = real(factors.output_multiplier, factors.output_shift)
    for multiplier, shift, scale in (
        (factors.left_multiplier, factors.left_shift, scales[0]),
        (factors.right_multiplier, factors.right_shift, scales[1]),
    ):
        assert shift <= 0
        assert math.isclose(2**20 * real(multiplier, shift) * output, scale / scales[2], rel_tol=1e-8)

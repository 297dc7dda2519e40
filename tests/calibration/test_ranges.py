import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.affine import affine_quantization
from calibration.relu6 import relu6_quantization


def test_pixels_become_codes_by_subtracting_128():
    scale, zero_point = affine_quantization(0.0, 1.0)
    assert (scale, zero_point) == (np.float32(1 / 255), -128)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_an_interval_is_covered_to_half_a_step_and_zero_is_exact(first, second):
    low, high = min(first, second), max(first, second)
    if max(high, 0) - min(low, 0) < 1e-3:
        return
    scale, zero_point = affine_quantization(low, high)
    least, greatest = ((code - int(zero_point)) * float(scale) for code in (-128, 127))
    assert -128 <= zero_point <= 127
    assert least <= min(low, 0) + 0.51 * scale
    assert greatest >= max(high, 0) - 0.51 * scale


@pytest.mark.parametrize(("low", "high"), [(0, 0), (np.nan, 1), (0, np.inf)])
def test_an_impossible_interval_is_refused(low, high):
    with pytest.raises(ValueError, match="not a quantisable interval"):
        affine_quantization(low, high)


@given(st.floats(0.01, 6))
def test_saturation_at_the_relu6_scale_is_relu6(limit):
    scale, zero_point = relu6_quantization(limit)
    values = np.linspace(-20, 20, 401)
    codes = np.clip(np.rint(values / scale) + zero_point, -128, 127)
    real = (codes - int(zero_point)) * float(scale)
    assert np.abs(real - np.clip(values, 0, limit)).max() <= 0.5 * scale + 1e-6


@pytest.mark.parametrize("limit", [0, -1, 6.01, np.nan])
def test_a_range_that_is_not_relu6s_is_refused(limit):
    with pytest.raises(ValueError, match="ReLU6 range"):
        relu6_quantization(limit)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pipeline.evaluation import paired_accuracy, sqnr_db

CLASSES = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=60)


@given(CLASSES)
def test_the_drop_lies_in_its_interval_and_reverses_with_the_roles(rows):
    labels, first, second = np.array(rows).T
    forward, backward = paired_accuracy(labels, first, second), paired_accuracy(labels, second, first)
    low, high = forward.drop_ci95
    assert low <= forward.drop <= high
    assert forward.drop == pytest.approx(forward.fp32 - forward.int8)
    assert backward.drop == -forward.drop
    assert backward.drop_ci95 == pytest.approx((-high, -low))


def test_the_interval_is_clopper_pearson_on_the_discordant_samples():
    labels = np.zeros(100, int)
    fp32 = np.array([0] * 90 + [1] * 10)
    int8 = np.array([1] * 6 + [0] * 84 + [0] * 2 + [1] * 8)  # loses 6, gains 2
    result = paired_accuracy(labels, fp32, int8)
    share = binomtest(6, 8).proportion_ci(0.95, method="exact")
    assert result.drop == pytest.approx(0.04)
    assert result.drop_ci95 == pytest.approx((8 * (2 * share.low - 1) / 100, 8 * (2 * share.high - 1) / 100))
    assert result.agreement == pytest.approx(0.92)


def test_without_a_discordant_sample_the_interval_is_not_empty():
    labels = np.arange(200)
    low, high = paired_accuracy(labels, labels, labels).drop_ci95
    # 0.975 = P(at least one discordant sample in 200) at that rate.
    assert 1 - (1 - high) ** 200 == pytest.approx(0.975)
    assert low == -high


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="0 labels"):
        paired_accuracy(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int))


def test_sqnr():
    signal = np.array([3.0, 4.0], np.float32)
    assert sqnr_db(signal, signal + np.float32(0.5)) == pytest.approx(10 * np.log10(25 / 0.5))
    assert sqnr_db(signal, signal) is None
    assert sqnr_db(np.zeros(2, np.float32), signal) is None

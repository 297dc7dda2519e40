"""Splits: disjoint, complete, stratified, the same every time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.data.source import SPLITS
from pipeline.data.split import split_items
from pipeline.errors import SixfoldError

FRACTIONS = {"validation": 0.1, "test": 0.2, "calibration": 16, "seed": 6}
NAMES = ["a", "b", "c", "d", "e", "f"]


def _labels(counts: list[int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.integers(25, 120), min_size=2, max_size=6),
    validation=st.floats(0.08, 0.3),
    test=st.floats(0.08, 0.3),
    calibration=st.integers(6, 60),
    seed=st.integers(0, 2**32 - 1),
)
def test_disjoint_complete_stratified_deterministic(
    counts: list[int], validation: float, test: float, calibration: int, seed: int
) -> None:
    labels = _labels(counts)
    options = {"validation": validation, "test": test, "calibration": calibration, "seed": seed}
    given_splits = [None] * len(labels)
    splits = split_items(labels, given_splits, NAMES[: len(counts)], **options)
    again = split_items(labels, given_splits, NAMES[: len(counts)], **options)
    for name in SPLITS:
        np.testing.assert_array_equal(splits[name], again[name])
    parts = np.concatenate([splits["train"], splits["validation"], splits["test"]])
    assert sorted(parts.tolist()) == list(range(len(labels)))
    assert set(splits["calibration"]) <= set(splits["train"])
    train = len(splits["train"])
    assert len(splits["calibration"]) == (train if calibration > train - len(counts) else calibration)
    assert len(splits["test"]) == max(len(counts), round(test * len(labels)))
    for name in ("train", "validation", "test"):
        share = np.bincount(labels[splits[name]], minlength=len(counts)) / len(splits[name])
        # Whole images: a class is off by less than two of them (test and validation are cut one after the other).
        np.testing.assert_allclose(share, np.array(counts) / sum(counts), atol=2 / len(splits[name]))


def test_another_seed_is_another_split() -> None:
    labels = _labels([60, 60])
    first, second = (
        split_items(labels, [None] * 120, ["a", "b"], **{**FRACTIONS, "seed": seed})["test"] for seed in (1, 2)
    )
    assert not np.array_equal(first, second)


def test_what_the_user_placed_stays_there() -> None:
    labels = _labels([40, 40])
    placed = ["test" if index < 20 else "train" for index in range(80)]
    splits = split_items(labels, placed, ["a", "b"], **FRACTIONS)
    np.testing.assert_array_equal(splits["test"], np.arange(20))
    assert len(splits["validation"]) == 8
    assert splits["validation"].min() >= 20
    placed = ["validation" if index >= 70 else split for index, split in enumerate(placed)]
    splits = split_items(labels, placed, ["a", "b"], **FRACTIONS)
    np.testing.assert_array_equal(splits["validation"], np.arange(70, 80))
    np.testing.assert_array_equal(splits["train"], np.arange(20, 70))


def test_the_smallest_data_set_has_one_image_of_each_class_everywhere() -> None:
    splits = split_items(_labels([3, 3]), [None] * 6, ["a", "b"], **FRACTIONS)
    assert [len(splits[name]) for name in SPLITS] == [2, 2, 2, 2]


@pytest.mark.parametrize("counts", [[100, 1], [100, 2], [1, 1], [300, 3]])
def test_a_class_too_small_for_every_split_is_named(counts: list[int]) -> None:
    with pytest.raises(SixfoldError, match=rf"'[ab]' \({min(counts)} images\).*: too few"):
        split_items(_labels(counts), [None] * sum(counts), ["a", "b"], **FRACTIONS)


@pytest.mark.parametrize(("count", "why"), [(1, "at least 3 are needed"), (3, "none is left for validation or test")])
def test_all_classes_that_are_too_small_are_named_at_once(count: int, why: str) -> None:
    counts = [count, 300, count]
    named = rf"classes 'a' \({count} images\), 'c' \({count} images\): too few .*\({why}\)"
    with pytest.raises(SixfoldError, match=named):
        split_items(_labels(counts), [None] * sum(counts), ["a", "b", "c"], **FRACTIONS)


def test_a_class_missing_from_a_given_split_is_named() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, 0, 0], np.int64)
    placed = ["train"] * 6 + ["test"] * 2
    with pytest.raises(SixfoldError, match=r"class 'b' \(3 images\): too few .*none is left for test"):
        split_items(labels, placed, ["a", "b"], **FRACTIONS)


def test_calibration_smaller_than_the_classes_is_refused() -> None:
    with pytest.raises(SixfoldError, match=r"data\.calibration: 1 images cannot show 2 classes"):
        split_items(_labels([40, 40]), [None] * 80, ["a", "b"], **{**FRACTIONS, "calibration": 1})

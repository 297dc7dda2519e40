import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.rounding import (
    LEVELS,
    descend,
    feed_back,
    largest_scale,
    output_error,
    round_by_hessian,
    round_to_nearest,
)


def problem(seed: int, rows: int, columns: int, by_row: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(rows, columns))
    mixing = rng.normal(size=(rows if by_row else 1, columns, columns))
    hessian = mixing @ mixing.transpose(0, 2, 1) + 0.01 * np.eye(columns)
    return torch.from_numpy(weight), torch.from_numpy(hessian if by_row else hessian[0])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**16), st.integers(1, 6), st.integers(1, 50), st.booleans())
def test_the_output_changes_no_more_than_with_rounding_to_nearest(seed, rows, columns, by_row):
    weight, hessian = problem(seed, rows, columns, by_row)
    codes, scale = round_by_hessian(weight, hessian)
    nearest_scale = largest_scale(weight)
    nearest = round_to_nearest(weight, nearest_scale)
    error = output_error(codes * scale[:, None] - weight, hessian)
    bound = output_error(nearest * nearest_scale[:, None] - weight, hessian)
    assert (error <= bound * (1 + 1e-9) + 1e-12).all()
    assert torch.equal(codes, codes.round())
    assert codes.abs().max() <= LEVELS


def test_correlated_inputs_are_rounded_far_better_than_to_nearest():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(64, 8)) @ rng.normal(size=(8, 64))
    hessian = torch.from_numpy(inputs.T @ inputs / 64 + 1e-3 * np.eye(64))
    weight = torch.from_numpy(rng.normal(size=(16, 64)))
    codes, scale = round_by_hessian(weight, hessian)
    nearest = round_to_nearest(weight, scale)
    errors = [output_error(c * scale[:, None] - weight, hessian).sum() for c in (codes, nearest)]
    assert errors[0] < 0.1 * errors[1]


@pytest.mark.parametrize("seed", range(4))
def test_descent_ends_where_no_single_code_can_be_improved(seed):
    weight, hessian = problem(seed, 3, 6)
    scale = largest_scale(weight)
    codes = descend(weight, hessian, scale, feed_back(weight, hessian, scale), 100)
    error = output_error(codes * scale[:, None] - weight, hessian)
    for column in range(6):
        for move in (-1, 1):
            other = codes.clone()
            other[:, column] = (other[:, column] + move).clamp(-LEVELS, LEVELS)
            assert (output_error(other * scale[:, None] - weight, hessian) >= error - 1e-12).all()


def test_rows_of_zeros_and_of_tiny_weights_get_a_usable_scale():
    weight = torch.tensor([[0.0, 0.0], [1e-44, 0.0], [1.0, -1.0]], dtype=torch.float64)
    codes, scale = round_by_hessian(weight, torch.eye(2, dtype=torch.float64))
    assert (scale.float() > 0).all()
    assert torch.equal(codes[0], torch.zeros(2, dtype=torch.float64))
    assert torch.equal(codes[2], torch.tensor([LEVELS, -LEVELS], dtype=torch.float64))

"""Rounding weights such that the layer's output changes least, not the weights.

Rounding a row of weights from `w` to `q` changes the layer's output on the calibration samples by ``(q - w) x``; its
weighted power is ``(q - w) H (q - w)'`` with ``H = sum_p g_p x_p x_p'``. This is the objective that AdaRound (Nagel et
al. 2020, equation 13) relaxes and descends by gradients; here it is minimised over the integers directly, which takes
milliseconds a layer, has no learning rate and always ends no worse than rounding to nearest:

1. *Error feedback* (Frantar et al. 2022, GPTQ; Babai's nearest plane): inputs are rounded one after another, the
   strongest first, and each rounding error is made up for by the inputs not yet rounded. With ``U`` the upper
   Cholesky factor of ``H^-1``, the step after rounding column `k` is ``w[k+1:] -= (w[k] - q[k]) / U[k, k] U[k, k+1:]``.
2. *Coordinate descent* (Nair and Suggala 2024, CDQuant): each code in turn moves to the integer that is best given all
   others, ``q[k] - ((q - w) H)[k] / H[k, k]``, until none moves.

Where a row is short (a depthwise filter has nine weights), the row's scale is part of the search: among scales up to a
quarter below the largest weight's, one lets all nine land close to integers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

#: Weight codes are symmetric, -127..127, as every kernel assumes.
LEVELS = 127
PASSES = 4
#: Rows of at most this many weights also choose their scale.
SHORT_ROW = 32
SCALE_FACTORS = tuple(float(f) for f in np.linspace(1.0, 0.75, 26))


def largest_scale(weight: Tensor) -> Tensor:
    """The scale per row of ``(rows, columns)`` that just represents the largest weight; 1 for a row of zeros."""
    largest = weight.abs().amax(1)
    scale = torch.where(largest > 0, largest / LEVELS, torch.ones_like(largest))
    # A scale is stored as float32 and must not underflow there.
    return scale.clamp_min(float(np.finfo(np.float32).tiny)).float().to(weight.dtype)


def round_to_nearest(weight: Tensor, scale: Tensor) -> Tensor:
    """Integer-valued codes of ``(rows, columns)`` at a scale per row."""
    return (weight / scale[:, None]).round().clamp(-LEVELS, LEVELS)


def output_error(difference: Tensor, hessian: Tensor) -> Tensor:
    """``d H d'`` of each row.

    Args:
        difference: ``(rows, columns)``.
        hessian: ``(columns, columns)``, or one for each row.
    """
    return (_times(difference, hessian) * difference).sum(1)


def round_by_hessian(weight: Tensor, hessian: Tensor) -> tuple[Tensor, Tensor]:
    """Codes and scales that change the output little.

    Args:
        weight: ``(rows, columns)``, floating point.
        hessian: positive definite ``(columns, columns)``, or one for each row.

    Returns:
        Codes ``(rows, columns)`` as integral floats and the scale per row ``(rows,)``, float32 values.
    """
    scale = largest_scale(weight)
    nearest = round_to_nearest(weight, scale)
    if weight.shape[1] > SHORT_ROW:
        codes = descend(weight, hessian, scale, feed_back(weight, hessian, scale), PASSES)
        return _better(weight, hessian, (codes, scale), (nearest, scale))
    best = (nearest, scale)
    for candidate in _scales(scale):
        codes = descend(weight, hessian, candidate, round_to_nearest(weight, candidate), PASSES)
        best = _better(weight, hessian, (codes, candidate), best)
    codes = descend(weight, hessian, best[1], feed_back(weight, hessian, best[1]), PASSES)
    return _better(weight, hessian, (codes, best[1]), best)


def feed_back(weight: Tensor, hessian: Tensor, scale: Tensor) -> Tensor:
    """Round column by column, each error made up for by the columns after it; arguments as elsewhere."""
    diagonal = hessian.diagonal(dim1=-2, dim2=-1).reshape(-1, weight.shape[1]).mean(0)
    order = torch.argsort(diagonal, descending=True, stable=True)
    factor = torch.linalg.cholesky(hessian[..., order, :][..., order])
    upper = torch.linalg.cholesky(torch.cholesky_inverse(factor), upper=True)
    remaining, codes = weight[:, order].clone(), torch.empty_like(weight)
    for k in range(weight.shape[1]):
        rounded = (remaining[:, k] / scale).round().clamp(-LEVELS, LEVELS)
        codes[:, order[k]] = rounded
        error = (remaining[:, k] - rounded * scale) / upper[..., k, k]
        remaining[:, k + 1 :] -= error[:, None] * upper[..., k, k + 1 :]
    return codes


def descend(weight: Tensor, hessian: Tensor, scale: Tensor, codes: Tensor, passes: int) -> Tensor:
    """Move one code of each row at a time to its best integer until none moves, at most `passes` times over."""
    codes = codes.clone()
    slope = _times(codes * scale[:, None] - weight, hessian)
    for _ in range(passes):
        before = codes.clone()
        for k in range(weight.shape[1]):
            exact = codes[:, k] - slope[:, k] / (hessian[..., k, k] * scale)
            moved = exact.round().clamp(-LEVELS, LEVELS) - codes[:, k]
            slope += (moved * scale)[:, None] * hessian[..., k, :]
            codes[:, k] += moved
        if torch.equal(codes, before):
            break
    return codes


def _times(rows: Tensor, hessian: Tensor) -> Tensor:
    return rows @ hessian if hessian.ndim == 2 else torch.bmm(rows[:, None], hessian)[:, 0]


def _scales(largest: Tensor) -> Sequence[Tensor]:
    return [(largest * factor).float().to(largest.dtype) for factor in SCALE_FACTORS]


def _better(
    weight: Tensor, hessian: Tensor, first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Row by row the one of two roundings with the smaller error; the second if equal."""
    errors = [output_error(codes * scale[:, None] - weight, hessian) for codes, scale in (first, second)]
    chosen = errors[0] < errors[1]
    return torch.where(chosen[:, None], first[0], second[0]), torch.where(chosen, first[1], second[1])

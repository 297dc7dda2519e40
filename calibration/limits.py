"""How far each channel's range has to reach: the clip that costs the logits least.

With `n` steps over a width `t`, rounding has a mean square error of ``(t/n)^2 / 12`` and clipping one of
``(x - t)^2`` for each `x` beyond. Both are summed over the samples, each weighted with its squared sensitivity
(:mod:`calibration.statistics`), so that a rare value that decides the class keeps its range and one that nothing reacts
to does not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Float64Array = npt.NDArray[np.float64]

LEVELS = 255
#: Tried widths as fractions of a channel's maximum.
FRACTIONS = tuple(float(f) for f in np.linspace(1.0, 0.3, 29))


def one_sided_limits(values: Tensor, weights: Tensor, maximum: Float64Array, steps: float = LEVELS) -> Float64Array:
    """The best upper clip of non-negative values, per channel.

    Args:
        values: ``(channels, samples)``; negative ones count as zero, which has a code of its own.
        weights: squared sensitivities, ``(channels, samples)``.
        maximum: the greatest value over all elements, ``(channels,)``, >= 0.
        steps: between zero and the clip.

    Returns:
        ``(channels,)``; 0 where the channel is dead.
    """
    ceiling = torch.from_numpy(maximum).float()[:, None]
    rounded = (weights * (values > 0)).sum(1, keepdim=True)
    best, best_error = ceiling.clone(), torch.full_like(ceiling, torch.inf)
    for fraction in FRACTIONS:
        limit = ceiling * fraction
        clipped = (weights * (values - limit).clamp_min(0).square()).sum(1, keepdim=True)
        error = clipped + rounded * (limit / steps).square() / 12
        better = error < best_error
        best, best_error = torch.where(better, limit, best), torch.where(better, error, best_error)
    return best[:, 0].double().numpy()

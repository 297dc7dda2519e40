"""How far each channel's range has to reach: the clip that costs the logits least.

With `n` steps over a width `t`, rounding has a mean square error of ``(t/n)^2 / 12`` and clipping one of
``(x - t)^2`` for each `x` beyond. Both are summed over the samples, each weighted with its squared sensitivity
(:mod:`calibration.statistics`), so that a rare value that decides the class keeps its range and one that nothing reacts
to does not.

**Doubt.** Images that stand in for photographs excite a channel by some other factor than these, nobody knows which. If
its logarithm is normal, with a deviation of ``log(d) / sqrt(3)``, three-point Gauss-Hermite quadrature puts the channel
at ``1/d``, 1 and `d` times these values with probabilities 1/6, 2/3 and 1/6, and the clip is chosen by the expected
noise. Where rounding is cheap the range gets wide, where it is dear it stays.
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


def one_sided_limits(
    values: Tensor,
    weights: Tensor,
    maximum: Float64Array,
    steps: float = LEVELS,
    doubt: float = 1.0,
    bound: float = float("inf"),
) -> Float64Array:
    """The best upper clip of non-negative values, per channel.

    Args:
        values: ``(channels, samples)``; negative ones count as zero, which has a code of its own.
        weights: squared sensitivities, ``(channels, samples)``.
        maximum: the greatest value over all elements, ``(channels,)``, >= 0.
        steps: between zero and the clip.
        doubt: `d` above, >= 1; 1 takes the values as they are.
        bound: no value is greater, on whatever image.

    Returns:
        ``(channels,)``, up to `doubt` times the maximum and to `bound`; 0 where the channel is dead.
    """
    ceiling = torch.from_numpy(maximum).float()[:, None]
    rounded = (weights * (values > 0)).sum(1, keepdim=True)
    cases = ((1.0, 1.0),) if doubt == 1 else ((1 / doubt, 1 / 6), (1.0, 2 / 3), (doubt, 1 / 6))
    best, best_error = (ceiling * doubt).clamp_max(bound), torch.full_like(ceiling, torch.inf)
    for fraction in (*(f * doubt for f in FRACTIONS if f * doubt > 1), *FRACTIONS):
        limit = (ceiling * fraction).clamp_max(bound)
        error = rounded * (limit / steps).square() / 12
        for factor, probability in cases:
            beyond = ((values * factor).clamp_max(bound) - limit).clamp_min(0).square()
            error = error + probability * (weights * beyond).sum(1, keepdim=True)
        better = error < best_error
        best, best_error = torch.where(better, limit, best), torch.where(better, error, best_error)
    return best[:, 0].double().numpy()

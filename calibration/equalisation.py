"""Scales per channel, at no cost: chosen to minimise the noise that eight bits put into the logits.

A factor per channel can be moved between a layer's output channel and the next layer's input channel without changing
the float function (Nagel et al. 2019, section 4.1, and Meller et al. 2019). Its effect on the noise is known in
advance. With a step ``S[c]`` for channel `c` of a tensor,

* rounding the tensor adds ``sum_c G[c] S[c]^2 / 12`` to the logits' noise power, `G` being the sensitivities of
  :mod:`calibration.statistics`;
* rounding the weights that read it adds ``kappa sum_o G[o] s[o]^2 / 12 * sum_c E[x[c]^2] / S[c]^2`` with
  ``s[o] = max_c |W[o, c]| S[c] / 127``, the step of row `o` of the weights as they are stored: a channel with a coarse
  step takes the resolution of the row from the others. `kappa` says how far below rounding to nearest the rounding
  method gets.

Depthwise weights have a scale per channel, so the second term does not depend on `S`: what a depthwise convolution
reads gets the finest step that its own range allows. Elsewhere the sum is minimised over ``log S``. All tensors of a
residual chain are added to each other, so they share their ratios ``S[c] / S[c']`` and are one group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Float64Array = npt.NDArray[np.float64]
ITERATIONS = 400
LEARNING_RATE = 0.05
WEIGHT_LEVELS = 127


@dataclass(frozen=True, eq=False)
class Reader:
    """A layer that reads a tensor and whose weights are quantised per row.

    Attributes:
        weight: magnitude ``(rows, channels)``: the greatest over the kernel.
        taps: kernel positions.
        sensitivity: of the layer's output before its activation, ``(rows,)``.
        power: mean square of the tensor's channels, ``(channels,)``.
    """

    weight: Float64Array
    taps: int
    sensitivity: Float64Array
    power: Float64Array


@dataclass(frozen=True, eq=False)
class Written:
    """A tensor whose steps are sought.

    Attributes:
        sensitivity: to rounding, ``(channels,)``.
        low: least value that must be representable, relative to the channel's offset, ``(channels,)``.
        high: greatest, likewise.
    """

    sensitivity: Float64Array
    low: Float64Array
    high: Float64Array


def weight_noise(reader: Reader, step: Tensor) -> Tensor:
    """The noise power in the logits from rounding the reader's weights to nearest; `step` in any unit."""
    weight, sensitivity, power = (torch.from_numpy(a) for a in (reader.weight, reader.sensitivity, reader.power))
    row = (weight * step).amax(1) / WEIGHT_LEVELS
    return (sensitivity * row.square()).sum() / 12 * reader.taps * (power / step.square()).sum()


def balance_bounded(
    tensors: Sequence[Float64Array], least: Float64Array, greatest: float, readers: Sequence[Reader], kappa: float
) -> Float64Array:
    """Steps of a ReLU6 output that a pointwise convolution or the classifier reads.

    Args:
        tensors: sensitivities ``(channels,)`` of what is rounded to these steps: the output, and the pooled one.
        least: the steps that just cover each channel, ``(channels,)``, positive.
        greatest: the step of the full ReLU6 range: a coarser one would not clamp at six.
        readers: who reads it.
        kappa: see above.

    Returns:
        ``(channels,)`` between the two.
    """
    bound = torch.from_numpy(least)
    cost = torch.from_numpy(np.sum(tensors, axis=0)) / 12
    room = torch.log(torch.tensor(greatest, dtype=torch.float64) / bound).clamp_min(0)

    def noise(free: Tensor) -> tuple[Tensor, Tensor]:
        step = bound * torch.exp(room * torch.sigmoid(free))
        total = (cost * step.square()).sum()
        for reader in readers:
            total = total + kappa * weight_noise(reader, step)
        return total, step

    # The sigmoid is 0 and 1 at the last two: the finest steps and one step for all are never beaten by what is found.
    return _minimise(noise, [torch.full_like(bound, value) for value in (-2.0, -50.0, 50.0)])


def balance_group(tensors: Sequence[Written], readers: Sequence[Reader], kappa: float) -> Float64Array:
    """Units of the linear tensors of one residual chain.

    Returns:
        ``(channels,)`` with median 1.
    """
    low, high, sensitivity = (
        torch.from_numpy(np.stack([getattr(t, part) for t in tensors])) for part in ("low", "high", "sensitivity")
    )

    def noise(free: Tensor) -> tuple[Tensor, Tensor]:
        unit = torch.exp(free)
        scale = ((high / unit).amax(1) - (low / unit).amin(1)) / 255
        total = (sensitivity * (scale[:, None] * unit).square()).sum() / 12
        for reader in readers:
            total = total + kappa * weight_noise(reader, unit)
        return total, unit

    widest = (high - low).amax(0)
    start = 0.5 * torch.log(widest.clamp_min(1e-6 * float(widest.max())))
    unit = _minimise(noise, [start, torch.zeros_like(start)])
    return unit / float(np.median(unit))


def _minimise(noise: Callable[[Tensor], tuple[Tensor, Tensor]], candidates: Sequence[Tensor]) -> Float64Array:
    """The steps of least noise among `candidates` and on the way of Adam from the first of them.

    Args:
        noise: of the free parameters: the noise power and the steps.
        candidates: values of the free parameters.
    """
    free = candidates[0].clone().requires_grad_()
    optimiser = torch.optim.Adam([free], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, ITERATIONS)
    best, best_value = candidates[0], float("inf")
    for candidate in candidates[1:]:
        total, step = noise(candidate)
        if total.item() < best_value:
            best, best_value = step, total.item()
    with torch.enable_grad():
        for _ in range(ITERATIONS):
            total, step = noise(free)
            if total.item() < best_value:
                best, best_value = step.detach().clone(), total.item()
            (free.grad,) = torch.autograd.grad(torch.log(total), free)
            optimiser.step()
            schedule.step()
    return best.numpy()

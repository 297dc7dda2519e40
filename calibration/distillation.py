"""Images distilled from batch norm: what calibration without photographs sees if the file kept the moments.

A layer's channels had known mean and deviation over the training images (:mod:`pipeline.channel_moments`). They
describe photographs well: the means that a layer has on ImageNet's are a small part of a deviation off. On class
impressions it can be most of a deviation, and the deviations themselves are off by factors.

Images are changed step by step until the network's layers have these moments on them (ZeroQ, Cai et al. 2020;
DeepInversion, Yin et al. 2020), and until the network sees a given class in each (:mod:`calibration.impressions`): the
moments say how far a channel usually reaches, the classes excite those channels of the last layers that answer to few
images. The loss is

``sum over images of cross entropy + WEIGHT n sum over layers of mean over channels of
((mean - beta) / gamma)^2 + log(deviation / gamma)^2``.

* The moments are those of **all** `n` images, not of a batch: a single image may differ from the rest as photographs
  do (Zhang et al. 2021, "Diversifying sample generation", on what is lost otherwise). Images are changed a batch at a
  time; the others count with the sums of their last visit.
* Steps are taken in Fourier space, a wave of frequency `f` being ``f^-1.5`` times as mobile: the amplitudes of
  photographs fall with frequency (about as ``1/f``, Field 1987), while the plain gradient makes high-frequency noise
  that excites the first layers as no photograph does (Olah et al. 2017, "Feature visualization", preconditioning).
  As many steps come closer to the moments with ``f^-1`` than without, and with ``f^-1.5`` closer still.

Also tried: correcting each layer's remaining error of mean and deviation on these images by an affine map per channel
while ranges and weights are worked out. The moments are then exact, and photographs did worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from calibration.impressions import class_targets
from calibration.network import Network, activate, linear_output

STEPS = 24
#: Of the normalised image, per step of a gradient with mean square one; falls to zero as half a cosine.
LEARNING_RATE = 0.05
MOMENTUM = 0.8
#: Of the moments against the classes.
WEIGHT = 2.5
#: A wave's mobility is its frequency to this power.
SPECTRUM = -1.5
#: The image is moved at random by up to this share of its side at each step, so that no pixel's phase matters.
SHIFT = 1 / 14
BATCH = 8
#: A channel whose deviation is this small against its layer's median is constant; its deviation is not matched.
CONSTANT = 1e-3


class _Moments:
    """Mean and deviation wanted of each layer, and the sums that the images give."""

    def __init__(self, network: Network) -> None:
        self.wanted: dict[str, tuple[Tensor, Tensor, Tensor]] = {}
        for layer in network.layers:
            if layer.moments is not None:
                mean, deviation = (torch.from_numpy(a) for a in (layer.moments.mean, layer.moments.deviation))
                varying = deviation > CONSTANT * deviation.median()
                if bool(varying.any()):
                    self.wanted[layer.name] = (mean[varying], deviation[varying], varying)

    def sums(self, name: str, values: Tensor) -> Tensor:
        """Sum over the images of the mean and the mean square of each channel that varies, ``(2, channels)``."""
        chosen = values[:, self.wanted[name][2]]
        return torch.stack([chosen.mean((2, 3)).sum(0), chosen.square().mean((2, 3)).sum(0)])

    def distance(self, sums: dict[str, Tensor], images: int) -> Tensor:
        """How far the moments of so many images are from those wanted: the sum over layers."""
        total = torch.zeros(())
        for name, (mean, deviation, _) in self.wanted.items():
            found, power = sums[name] / images
            variance = (power - found.square()).clamp_min(float(np.finfo(np.float32).tiny))
            spread = torch.log(variance / deviation.square()) / 2
            total = total + (((found - mean) / deviation).square() + spread.square()).mean()
        return total


def distilled_images(
    network: Network, start: Tensor, low: Tensor, high: Tensor, seed: int, progress: Callable[[int], None] | None = None
) -> Tensor:
    """Change images until the network's moments on them are those of its training.

    Args:
        network: the float network; layers without moments have no say.
        start: normalised images ``(n, channels, height, width)`` to begin with.
        low: least value of each channel, ``(channels,)``.
        high: greatest value.
        seed: of the classes and the shifts.
        progress: called with the number of images done since its last call.

    Returns:
        Of the shape of `start`.
    """
    generator = torch.Generator().manual_seed(seed)
    batches = list(torch.split(start, BATCH))
    targets = torch.split(class_targets(network, len(start), generator), BATCH)
    velocities = [torch.zeros_like(batch) for batch in batches]
    moments = _Moments(network)
    sums = [_observe(network, batch, moments)[1] for batch in batches]
    least, greatest = (bound.reshape(1, -1, 1, 1) for bound in (low, high))
    reach = max(1, round(start.shape[3] * SHIFT))
    for step in range(STEPS):
        rate = LEARNING_RATE * (1 + math.cos(math.pi * step / STEPS)) / 2
        for k, labels in enumerate(targets):
            shift = torch.randint(-reach, reach + 1, (2,), generator=generator).tolist()
            with torch.enable_grad():
                variable = batches[k].clone().requires_grad_()
                logits, own = _observe(network, torch.roll(variable, shift, (2, 3)), moments)
                total = {n: own[n] + sum(s[n] for j, s in enumerate(sums) if j != k) for n in own}
                loss = F.cross_entropy(logits, labels, reduction="sum")
                loss = loss + WEIGHT * len(start) * moments.distance(total, len(start))
                (gradient,) = torch.autograd.grad(loss, variable)
            sums[k] = {name: part.detach() for name, part in own.items()}
            velocities[k] = MOMENTUM * velocities[k] + _natural(gradient)
            batches[k] = torch.minimum(torch.maximum(batches[k] - rate * velocities[k], least), greatest)
        if progress is not None:
            progress(len(start) * (step + 1) // STEPS - len(start) * step // STEPS)
    return torch.cat(batches)


def moments_distance(network: Network, images: Tensor) -> float:
    """How far the layers' moments on `images` are from those of training: what :func:`distilled_images` lessens."""
    moments = _Moments(network)
    return float(moments.distance(_observe(network, images, moments)[1], len(images)))


def _observe(network: Network, images: Tensor, moments: _Moments) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits ``(n, classes)``, and the sums of each layer that has moments."""
    values, sums = {network.input: images}, {}
    for layer in network.layers:
        result = linear_output(layer, [values[name] for name in layer.inputs])
        if layer.name in moments.wanted:
            sums[layer.name] = moments.sums(layer.name, result)
        values[layer.name] = activate(layer, result)
    return values[network.output].flatten(1), sums


def _natural(gradient: Tensor) -> Tensor:
    """The gradient with the spectrum of photographs and a mean square of one per image."""
    height, width = gradient.shape[2:]
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    frequency = (rows.square() + columns.square()).sqrt().clamp_min(1 / max(height, width))
    result: Tensor = torch.fft.irfft2(torch.fft.rfft2(gradient) * frequency.pow(SPECTRUM), s=(height, width))
    size = result.square().mean((1, 2, 3), keepdim=True).sqrt()
    return result / size.clamp_min(float(np.finfo(np.float32).tiny))

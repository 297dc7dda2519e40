"""Images for calibrating without images: what the network itself takes for its classes.

Ranges have to hold what photographs excite in the network, above all in its last layers, where each channel answers to
some classes only. Neither noise nor :mod:`calibration.dead_leaves` reach those values. The weights know them: an image
changed step by step until the network is sure of a given class excites the channels that this class needs ("class
impressions", Mopuri and Babu 2018; Haroush et al. 2020, "The knowledge within").

This is for files that tell nothing else. Where they keep batch norm's moments, :mod:`calibration.distillation` has the
better images.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from calibration.network import Network, forward

STEPS = 20
#: Of the normalised image, per step of a gradient with mean square one.
LEARNING_RATE = 0.05
MOMENTUM = 0.8
SMOOTHNESS = 2.0
#: The image is moved at random by up to this share of its side at each step, so that no pixel's phase matters.
SHIFT = 1 / 14
BATCH = 8


def class_impressions(
    network: Network, start: Tensor, low: Tensor, high: Tensor, seed: int, progress: Callable[[int], None] | None = None
) -> Tensor:
    """Change images until the network sees classes in them.

    Args:
        network: the float network.
        start: normalised images ``(n, channels, height, width)`` to begin with.
        low: least value of each channel, ``(channels,)``.
        high: greatest value.
        seed: of the classes and the shifts; classes are all different as long as there are enough of them.
        progress: called with the number of images done since its last call.

    Returns:
        Of the shape of `start`.
    """
    generator = torch.Generator().manual_seed(seed)
    targets = class_targets(network, len(start), generator)
    finished = []
    for images, labels in zip(torch.split(start, BATCH), torch.split(targets, BATCH), strict=True):
        finished.append(_ascend(network, images, labels, low, high, generator))
        if progress is not None:
            progress(len(images))
    return torch.cat(finished)


def class_targets(network: Network, count: int, generator: torch.Generator) -> Tensor:
    """Classes in random order, all different as long as there are enough of them, ``(count,)``."""
    classes = len(network.layer(network.output).parameters()[0])
    return torch.randperm(classes, generator=generator).repeat(-(-count // classes))[:count]


def _ascend(
    network: Network, images: Tensor, labels: Tensor, low: Tensor, high: Tensor, generator: torch.Generator
) -> Tensor:
    reach = max(1, round(images.shape[3] * SHIFT))
    least, greatest = (bound.reshape(1, -1, 1, 1) for bound in (low, high))
    velocity = torch.zeros_like(images)
    for _ in range(STEPS):
        shift = torch.randint(-reach, reach + 1, (2,), generator=generator).tolist()
        with torch.enable_grad():
            variable = images.clone().requires_grad_()
            logits = forward(network, torch.roll(variable, shift, (2, 3)))[network.output].flatten(1)
            loss = F.cross_entropy(logits, labels, reduction="sum") + SMOOTHNESS * _roughness(variable)
            (gradient,) = torch.autograd.grad(loss, variable)
        size = gradient.square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(float(np.finfo(np.float32).tiny))
        velocity = MOMENTUM * velocity + gradient / size
        images = torch.minimum(torch.maximum(images - LEARNING_RATE * velocity, least), greatest)
    return images


def _roughness(images: Tensor) -> Tensor:
    """Squared differences of neighbours, averaged over each image, summed over images."""
    vertical = (images[:, :, 1:] - images[:, :, :-1]).square().mean((1, 2, 3))
    horizontal = (images[..., 1:] - images[..., :-1]).square().mean((1, 2, 3))
    return (vertical + horizontal).sum()

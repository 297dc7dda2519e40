"""What calibration learns from images: samples of every tensor, and how much the logits react to an error there.

One pass of the float network over the images, forwards and backwards. Each tensor is kept at a fixed set of positions
per image, drawn once from a seed and equal for all tensors of one height and width, so that the samples of a layer's
input, output and residual stream belong together.

**Sensitivity.** An error `e` of one element changes the logits by ``J e``, with ``J`` the element's column of the
Jacobian; the noise power in the logits is ``e^2 ||J||^2``. For random signs ``v``, ``E[(v' J)^2] = ||J||^2``
(Hutchinson 1990), and ``v' J`` for every element of every tensor is one backward pass. Rounding errors of different
elements are as good as independent, so their powers add up: the sum over a channel's elements says what one step there
costs.

Which class wins is decided among the few probable ones. The power of logit `k` therefore counts ``1 + K p[k]`` fold,
with `p` the softmax over the `K` classes: as much weight on the classes in contention as on all. On
photographs that calibration had not seen, this lowers the noise among the highest logits and leaves the signal to noise
of all logits as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from calibration.network import RELU6_LIMIT, Network, activate, linear_output

Float64Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

#: Samples wanted of each tensor over all images. The widest projection has 960 inputs, so this is eight for each.
SAMPLES = 8192
BATCH = 10
#: What the probable classes count, against all classes alike.
CONTENTION = 1.0


@dataclass(frozen=True, eq=False)
class TensorStatistics:
    """One tensor over the calibration images.

    Attributes:
        values: float32 ``(channels, samples)``, before the activation, image after image.
        weights: float32 ``(channels, samples)``: squared sensitivity of each sample after the activation.
        low: least value of each channel after the activation, over all elements, ``(channels,)``.
        high: greatest value, likewise.
        mean: mean of each channel after the activation.
        power: mean square of each channel after the activation.
        sensitivity: ``(channels,)``: sum over a map of the squared sensitivities, mean over the images: what unit
            independent noise in that channel adds to the logits' noise power.
        relu6: an activation follows.
    """

    values: Tensor
    weights: Tensor
    low: Float64Array
    high: Float64Array
    mean: Float64Array
    power: Float64Array
    sensitivity: Float64Array
    relu6: bool

    @property
    def activated(self) -> Tensor:
        """The samples after the activation."""
        return self.values.clamp(0.0, RELU6_LIMIT) if self.relu6 else self.values

    @property
    def linear_weights(self) -> Tensor:
        """Squared sensitivity to an error before the activation: none where ReLU6 is flat."""
        if not self.relu6:
            return self.weights
        return self.weights * ((self.values > 0) & (self.values < RELU6_LIMIT))

    @property
    def linear_sensitivity(self) -> Float64Array:
        """Like `sensitivity`, for errors before the activation, ``(channels,)``."""
        total = self.weights.sum(1).double()
        share = self.linear_weights.sum(1).double() / total.clamp_min(1e-30)
        result: Float64Array = self.sensitivity * share.numpy()
        return result


@dataclass(frozen=True, eq=False)
class Statistics:
    """All tensors by name, and where their samples lie.

    Attributes:
        tensors: by name, the input included.
        positions: by number of elements of a map: ``(images, positions)`` flat indices.
    """

    tensors: Mapping[str, TensorStatistics]
    positions: Mapping[int, Positions]


def sample_positions(images: int, elements: int, seed: int) -> Positions:
    """Flat positions in a map of `elements`, different for each image, ``(images, positions)``, sorted."""
    per_image = min(elements, -(-SAMPLES // images))
    rng = np.random.default_rng([seed, elements])
    return np.stack([np.sort(rng.permutation(elements)[:per_image]) for _ in range(images)])


def gather(values: Tensor, positions: Positions) -> Tensor:
    """The values of a batch at its positions: ``(n, channels, h, w)`` to ``(channels, n * positions)``."""
    index = torch.from_numpy(positions)[:, None, :].expand(-1, values.shape[1], -1)
    return values.flatten(2).gather(2, index).transpose(0, 1).flatten(1)


class _Accumulator:
    def __init__(self) -> None:
        self.values: list[Tensor] = []
        self.weights: list[Tensor] = []
        self.low: list[Tensor] = []
        self.high: list[Tensor] = []
        self.sums: list[Tensor] = []

    def add(self, before: Tensor, after: Tensor, gradient: Tensor, positions: Positions) -> None:
        squared = gradient.square()
        self.values.append(gather(before, positions))
        self.weights.append(gather(squared, positions))
        self.low.append(after.amin((0, 2, 3)))
        self.high.append(after.amax((0, 2, 3)))
        self.sums.append(
            torch.stack([after.mean((2, 3)).sum(0), after.square().mean((2, 3)).sum(0), squared.sum((0, 2, 3))])
        )

    def result(self, images: int, relu6: bool) -> TensorStatistics:
        mean, power, sensitivity = (torch.stack(self.sums).double().sum(0) / images).numpy()
        low, high = torch.stack(self.low).amin(0), torch.stack(self.high).amax(0)
        return TensorStatistics(
            torch.cat(self.values, 1),
            torch.cat(self.weights, 1),
            low.double().numpy(),
            high.double().numpy(),
            mean,
            power,
            sensitivity,
            relu6,
        )


def collect(network: Network, images: Tensor, seed: int, progress: Callable[[int], None] | None = None) -> Statistics:
    """Run the float network over `images` ``(n, channels, height, width)``.

    Args:
        network: the float network.
        images: normalised.
        seed: of the positions and of the random signs.
        progress: called with the number of images done since its last call.
    """
    accumulators = {name: _Accumulator() for name in (network.input, *(layer.name for layer in network.layers))}
    positions: dict[int, Positions] = {}
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        with torch.enable_grad():
            before, after = forward_in_two_steps(network, batch.clone().requires_grad_())
            logits = after[network.output]
            signs = torch.randint(0, 2, logits.shape, generator=generator, dtype=torch.float32) * 2 - 1
            contention = 1 + CONTENTION * logits.shape[1] * logits.detach().softmax(1)
            names = list(after)
            gradients = torch.autograd.grad((logits * signs * contention.sqrt()).sum(), [after[n] for n in names])
        for name, gradient in zip(names, gradients, strict=True):
            elements = gradient.shape[2] * gradient.shape[3]
            if elements not in positions:
                positions[elements] = sample_positions(len(images), elements, seed)
            chosen = positions[elements][start : start + len(batch)]
            accumulators[name].add(before[name].detach(), after[name].detach(), gradient, chosen)
        if progress is not None:
            progress(len(batch))
    relu6 = {layer.name for layer in network.layers if layer.relu6}
    return Statistics({n: a.result(len(images), n in relu6) for n, a in accumulators.items()}, positions)


def forward_in_two_steps(network: Network, images: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Every tensor before and after its activation."""
    before, after = {network.input: images}, {network.input: images}
    for layer in network.layers:
        before[layer.name] = linear_output(layer, [after[name] for name in layer.inputs])
        after[layer.name] = activate(layer, before[layer.name])
    return before, after

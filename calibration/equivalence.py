"""Whether scaling and shifting channels left the float network as it was.

Calibration never runs the equalised network: its scales and shifts go straight into the integer weights. Here it is
built after all, in float32 as it would be stored, and its logits are compared with those of the network it came from.
In exact arithmetic the two are equal: scales are positive, ReLU6's ceiling is scaled with its channel, and shifts go
through linear layers only.

Rounding in float32 is what may differ, and how much that matters depends on the network, which can tell: its own
float32 logits differ from its float64 logits by rounding alone. The equalised network's may be off by
:data:`ERROR_FACTOR` times as much, and by a few units in the last place of the largest logit. A scale that one side
lacks is off by thousands of times more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from calibration.encoding import Encoding
from calibration.network import RELU6_LIMIT, Layer, Network, linear_output
from calibration.reconstruction import folded_parameters

IMAGES = 8
BATCH = 4
ERROR_FACTOR = 16
ERROR_ULPS = 16


@dataclass(frozen=True)
class Equivalence:
    """The equalised network against the original on some images.

    Attributes:
        samples: images compared.
        max_abs_diff: greatest difference of a logit from the original network in float64.
        max_diff_db: the same relative to the root mean square of the logits, in dB; None if equal or no signal.
        float32_error: greatest difference of the original's own float32 logits from float64.
        bound: what `max_abs_diff` must not exceed.
    """

    samples: int
    max_abs_diff: float
    max_diff_db: float | None
    float32_error: float
    bound: float

    def as_json(self) -> dict[str, int | float | None]:
        """The report's `equalised`."""
        return asdict(self)


def check_equivalence(network: Network, encodings: Mapping[str, Encoding], images: Tensor) -> Equivalence:
    """Compare on the first of `images` ``(n, channels, height, width)``.

    Raises:
        ValueError: the logits differ by more than rounding explains.
    """
    chosen = images[:IMAGES]
    six = {layer.name: torch.tensor(RELU6_LIMIT) for layer in network.layers if layer.relu6}
    exact = _logits(_in_double(network), six, chosen.double())
    single = _logits(network, six, chosen)
    equalised = _logits(equalised_network(network, encodings), _ceilings(network, encodings), chosen)
    largest = float(exact.abs().max())
    float32_error = float((single.double() - exact).abs().max())
    difference = float((equalised.double() - exact).abs().max())
    bound = ERROR_FACTOR * float32_error + ERROR_ULPS * float(np.finfo(np.float32).eps) * largest
    if not difference <= bound:
        raise ValueError(
            f"equalisation changed the float network: logits differ by up to {difference:.3g}, where rounding explains "
            f"{bound:.3g}; quantise with equalise and centre switched off, and report this model"
        )
    power = float(exact.square().mean())
    decibels = 10 * float(np.log10(difference**2 / power)) if power > 0 and difference > 0 else None
    return Equivalence(len(chosen), difference, decibels, float32_error, bound)


def equalised_network(network: Network, encodings: Mapping[str, Encoding]) -> Network:
    """The float network between tensors less their offset, in their units; ReLU6 ends at ``6 / unit``."""
    changed: dict[str, Layer] = {}
    for layer in network.layers:
        if layer.weighted:
            weight, bias = folded_parameters(layer, encodings[layer.inputs[0]], encodings[layer.name])
            shape = layer.parameters()[0].shape
            changed[layer.name] = replace(
                layer, weight=weight.float().reshape(shape).numpy(), bias=bias.float().numpy()
            )
    return network.with_layers(changed)


def _ceilings(network: Network, encodings: Mapping[str, Encoding]) -> dict[str, Tensor]:
    return {
        layer.name: torch.from_numpy(RELU6_LIMIT / encodings[layer.name].unit).float().reshape(1, -1, 1, 1)
        for layer in network.layers
        if layer.relu6
    }


def _in_double(network: Network) -> Network:
    changed: dict[str, Layer] = {}
    for layer in network.layers:
        if layer.weighted:
            weight, bias = layer.parameters()
            # Only the arithmetic is meant to be float64; the layer's own annotation is what a file holds.
            changed[layer.name] = replace(layer, weight=weight.astype(np.float64), bias=bias.astype(np.float64))
    return network.with_layers(changed)


def _logits(network: Network, ceilings: Mapping[str, Tensor], images: Tensor) -> Tensor:
    """Logits ``(n, classes)``, each ReLU6 ending at its ceiling."""
    results = []
    for batch in torch.split(images, BATCH):
        values = {network.input: batch}
        for layer in network.layers:
            result = linear_output(layer, [values[name] for name in layer.inputs])
            if layer.name in ceilings:
                result = torch.minimum(result.clamp_min(0), ceilings[layer.name].to(result.dtype))
            values[layer.name] = result
        results.append(values[network.output].flatten(1))
    return torch.cat(results)

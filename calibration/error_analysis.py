"""Where the error is: the logits' signal to noise if one layer alone were quantised.

For each layer the local error `e` is measured on float inputs: what rounding its weights does to its output (less the
mean, which the bias makes up for), what rounding its output does, and both. To first order `e` puts the power
``||J e||^2`` into the logits, `J` being their Jacobian. With random signs `v`, ``E[(v' J e)^2]`` is that power
(Hutchinson 1990), and ``v' J`` of every tensor is one backward pass: all layers cost a few passes of the network.
Unlike a tensor's own signal to noise this counts only what matters: a range that cuts off values which no class depends
on costs nothing here, and correlated errors, as clipping makes them, count in full.

Noise powers add up, so the layer with the lowest number is where to look first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from calibration.encoding import Encoding
from calibration.network import Layer, Network, activate, linear_output
from calibration.reconstruction import QuantizedWeights
from calibration.statistics import forward_in_two_steps

#: Images and sign vectors for each. The mean of 64 squares of normal values scatters by sqrt(2 / 64), or 0.8 dB.
IMAGES = 16
PROBES = 4
BATCH = 4
#: A layer dominates with this share of the noise power of all layers.
DOMINANT_SHARE = 0.3


@dataclass(frozen=True)
class LayerNoise:
    """The logits' signal to noise in dB if this layer alone were quantised; None where there is no noise or no signal.

    Attributes:
        sqnr_db: its weights and its output.
        weights_db: its weights alone; None for a layer without.
        activations_db: its output alone.
    """

    name: str
    sqnr_db: float | None
    weights_db: float | None
    activations_db: float | None

    def as_json(self) -> dict[str, str | float | None]:
        """An item of the report's `layers`."""
        return {
            "name": self.name,
            "sqnr_db": self.sqnr_db,
            "weights_db": self.weights_db,
            "activations_db": self.activations_db,
        }


def analyse(
    network: Network,
    encodings: Mapping[str, Encoding],
    weights: Mapping[str, QuantizedWeights],
    images: Tensor,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> list[LayerNoise]:
    """Measure every layer on the first of `images` ``(n, channels, height, width)``.

    Args:
        network: the float network.
        encodings: of all tensors.
        weights: of all weighted layers.
        images: normalised.
        seed: of the random signs.
        progress: called with the number of images done since its last call.
    """
    rounded = with_real_weights(network, encodings, weights)
    generator = torch.Generator().manual_seed(seed)
    powers = np.zeros((len(network.layers), 3))
    signal = 0.0
    for batch in torch.split(images[:IMAGES], BATCH):
        with torch.enable_grad():
            _, values = forward_in_two_steps(network, batch.clone().requires_grad_())
            logits = values[network.output]
            tensors = [values[layer.name] for layer in network.layers]
            gradients = []
            for _ in range(PROBES):
                signs = torch.randint(0, 2, logits.shape, generator=generator, dtype=torch.float32) * 2 - 1
                gradients.append(torch.autograd.grad((logits * signs).sum(), tensors, retain_graph=True))
        signal += float(logits.detach().double().square().sum())
        exact = {name: value.detach() for name, value in values.items()}
        for row, (layer, other) in enumerate(zip(network.layers, rounded.layers, strict=True)):
            for column, error in enumerate(_local_errors(layer, other, encodings[layer.name], exact)):
                for probe in gradients:
                    powers[row, column] += (
                        float((probe[row] * error).flatten(1).sum(1).double().square().sum()) / PROBES
                    )
        if progress is not None:
            progress(len(batch))
    return [
        LayerNoise(layer.name, *(_decibels(signal, noise) for noise in row))
        for layer, row in zip(network.layers, powers, strict=True)
    ]


def dominating(layers: Sequence[LayerNoise]) -> LayerNoise | None:
    """The layer that puts the most noise into the logits, if that is a large share of all."""
    noise = [10 ** (-layer.sqnr_db / 10) if layer.sqnr_db is not None else 0.0 for layer in layers]
    position = int(np.argmax(noise))
    return layers[position] if noise[position] > DOMINANT_SHARE * sum(noise) else None


def _local_errors(layer: Layer, rounded: Layer, encoding: Encoding, exact: Mapping[str, Tensor]) -> list[Tensor]:
    """Errors of the layer's output on exact inputs: weights and output rounded, weights alone, output alone."""
    inputs = [exact[name] for name in layer.inputs]
    before = linear_output(layer, inputs)
    change = linear_output(rounded, inputs) - before
    changed = activate(layer, before + change - change.mean((0, 2, 3), keepdim=True))
    output = exact[layer.name]

    def written(values: Tensor) -> Tensor:
        return encoding.real(encoding.centred(values))

    return [written(changed) - output, changed - output, written(output) - output]


def with_real_weights(
    network: Network, encodings: Mapping[str, Encoding], weights: Mapping[str, QuantizedWeights]
) -> Network:
    """The float network with each weight and bias replaced by the real value of its codes."""
    changed: dict[str, Layer] = {}
    for layer in network.layers:
        if layer.name not in weights:
            continue
        quantized, source, result = weights[layer.name], encodings[layer.inputs[0]], encodings[layer.name]
        row_scale = quantized.scale.astype(np.float64) * result.unit
        kernel = quantized.codes.astype(np.float64)
        kernel = kernel * row_scale.reshape(-1, *[1] * (kernel.ndim - 1))
        axis = 0 if layer.kind == "depthwise" else 1
        kernel = kernel / source.unit.reshape([-1 if a == axis else 1 for a in range(kernel.ndim)])
        taps = kernel.reshape(*kernel.shape[:2], -1).sum(2)
        shift = taps[:, 0] * source.offset if layer.kind == "depthwise" else taps @ source.offset
        bias = quantized.bias * np.float64(source.scale) * row_scale + result.offset - shift
        changed[layer.name] = replace(layer, weight=kernel.astype(np.float32), bias=bias.astype(np.float32))
    return network.with_layers(changed)


def _decibels(signal: float, noise: float) -> float | None:
    return float(10 * np.log10(signal / noise)) if signal > 0 and noise > 0 else None

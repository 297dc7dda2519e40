"""Quantises the weights layer by layer, each on the inputs that the quantised layers before it really produce.

The network is executed in integers as it is being built, from the input to the logits. At each weighted layer the
calibration samples give pairs of the quantised input `x` and the float target `y`, the layer's output before its
activation in the untouched float network. With weights ``g`` (squared sensitivities, :mod:`calibration.statistics`),

* the codes minimise ``sum g ((q - w) (x - mean x))^2``, see :mod:`calibration.rounding`;
* the bias is ``mean y - q mean x``, weighted alike: the empirical bias correction of Nagel et al. 2019, section 4.2,
  which here also takes up the shift that the quantised inputs bring along. Where ReLU6 is flat `g` is zero, so a sample
  that the activation hides has no say.

**Residual branches** aim at ``y = float sum - quantised stream`` instead of the float branch, so that what the layers
before lost on the way is made up for as far as the branch can know it.

The weights are rounded, not re-fitted: least squares against the float target, even damped, overfits a few hundred
photographs and does worse on others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from calibration.encoding import Encoding
from calibration.network import Layer, Network
from calibration.options import Options
from calibration.resume import Arrays, Keep, make_anew
from calibration.rounding import largest_scale, round_by_hessian, round_to_nearest
from calibration.statistics import Positions, Statistics, gather

BATCH = 20
#: Relative to the mean of the Hessian's diagonal: what few samples do not tell is kept near rounding to nearest.
DAMPING = 0.01
#: Share of an unweighted sample, relative to the mean weight, so that no sample is without a say.
WEIGHT_FLOOR = 0.05
#: An expansion of at most this many channels has a Hessian for each of its rows.
NARROW = 160
INT32_LIMIT = 2**31 - 1


@dataclass(frozen=True, eq=False)
class QuantizedWeights:
    """Of one layer.

    Attributes:
        codes: int8, laid out as the float layer's weight.
        scale: float32 ``(out channels,)``.
        bias: int32 ``(out channels,)``, scale ``input scale x scale``.
    """

    codes: npt.NDArray[np.int8]
    scale: npt.NDArray[np.float32]
    bias: npt.NDArray[np.int32]


def quantize_weights(
    network: Network,
    statistics: Statistics,
    encodings: Mapping[str, Encoding],
    images: Tensor,
    options: Options,
    progress: Callable[[int], None] | None = None,
    keep: Keep = make_anew,
) -> dict[str, QuantizedWeights]:
    """Weights of all weighted layers by name.

    Args:
        network: the float network.
        statistics: of the same network over the same images.
        encodings: of all tensors.
        images: normalised ``(n, channels, height, width)``.
        options: uses `rounding`, `correct_bias` and `correct_stream`.
        progress: called with the number of layers done since its last call.
        keep: remembers each layer's weights.

    Raises:
        ValueError: a bias does not fit 32 bits at its scale; the layer is named.
    """
    return _Reconstruction(network, statistics, encodings, options).run(images, progress, keep)


def folded_parameters(layer: Layer, source: Encoding, result: Encoding) -> tuple[Tensor, Tensor]:
    """Weight and bias between the codes' units, in which both tensors have one scale and no offset.

    ``W'[o, c] = W[o, c] unit_in[c] / unit_out[o]`` and
    ``b'[o] = (b[o] + sum_c W[o, c] offset_in[c] - offset_out[o]) / unit_out[o]``.

    Returns:
        float64 ``(out channels, weights per channel)`` and ``(out channels,)``.
    """
    weight, bias = (torch.from_numpy(values).double() for values in layer.parameters())
    kernel = weight.reshape(*weight.shape[:2], -1)
    unit_in, offset_in, unit_out, offset_out = (
        torch.from_numpy(values) for values in (source.unit, source.offset, result.unit, result.offset)
    )
    by_output = (slice(None), None, None)
    if layer.kind == "depthwise":
        scaled, shift = kernel * unit_in[by_output], kernel.sum((1, 2)) * offset_in
    else:
        scaled, shift = kernel * unit_in[None, :, None], kernel.sum(2) @ offset_in
    return (scaled / unit_out[by_output]).flatten(1), (bias + shift - offset_out) / unit_out


def input_patches(codes: Tensor, layer: Layer, positions: Positions, width: int) -> Tensor:
    """What the layer's kernel sees at some of its outputs.

    Args:
        codes: the layer's input less zero point, ``(n, channels, h, w)``.
        layer: gives kernel, stride and padding.
        positions: flat indices into the output map, ``(n, positions)``.
        width: of the output map.

    Returns:
        ``(channels, taps, n * positions)``.
    """
    weight, _ = layer.parameters()
    rows, columns = (weight.shape[2], weight.shape[3]) if weight.ndim == 4 else (1, 1)
    top, left, bottom, right = layer.padding
    padded = F.pad(codes, (left, right, top, bottom)) if any(layer.padding) else codes
    first = positions // width * layer.stride[0] * padded.shape[3] + positions % width * layer.stride[1]
    taps = [gather(padded, first + row * padded.shape[3] + column) for row in range(rows) for column in range(columns)]
    return torch.stack(taps, 1)


class _Reconstruction:
    def __init__(
        self, network: Network, statistics: Statistics, encodings: Mapping[str, Encoding], options: Options
    ) -> None:
        self.network, self.statistics, self.encodings, self.options = network, statistics, encodings, options
        self.weights: dict[str, QuantizedWeights] = {}
        #: Codes less zero point of the tensors that are still to be read, int16.
        self.live: dict[str, Tensor] = {}

    def run(self, images: Tensor, progress: Callable[[int], None] | None, keep: Keep) -> dict[str, QuantizedWeights]:
        source = self.encodings[self.network.input]
        self.live = {
            self.network.input: torch.cat([source.centred(b).to(torch.int16) for b in torch.split(images, BATCH)])
        }
        last_read = {name: layer.name for layer in self.network.layers for name in layer.inputs}
        for position, layer in enumerate(self.network.layers):
            if layer.weighted:
                # Layers are named by their place: a model's own names need not suit a file system.
                kept = keep(f"layer-{position:03d}", partial(self._arrays, layer))
                self.weights[layer.name] = QuantizedWeights(**kept)
            batches = zip(*(torch.split(self.live[name], BATCH) for name in layer.inputs), strict=True)
            self.live[layer.name] = torch.cat(
                [self._execute(layer, [part.float() for part in batch]).to(torch.int16) for batch in batches]
            )
            for name in set(layer.inputs):
                if last_read[name] == layer.name:
                    del self.live[name]
            if progress is not None:
                progress(1)
        return self.weights

    def _execute(self, layer: Layer, inputs: list[Tensor]) -> Tensor:
        """The integer operator on codes less zero point, as floats."""
        result = self.encodings[layer.name]
        sources = [self.encodings[name] for name in layer.inputs]
        match layer.kind:
            case "add":
                return result.saturate(sum_of_codes(inputs, sources, result))
            case "pool":
                return result.saturate(inputs[0].mean((2, 3), keepdim=True))
            case _:
                quantized = self.weights[layer.name]
                kernel = torch.from_numpy(quantized.codes.astype(np.float32))
                bias = torch.from_numpy(quantized.bias.astype(np.float32))
                top, left, bottom, right = layer.padding
                accumulator = F.conv2d(
                    F.pad(inputs[0], (left, right, top, bottom)),
                    kernel if kernel.ndim == 4 else kernel[:, :, None, None],
                    bias,
                    layer.stride,
                    groups=len(kernel) if layer.kind == "depthwise" else 1,
                )
                factor = torch.from_numpy(sources[0].scale * quantized.scale / result.scale)
                return result.saturate(accumulator * factor.reshape(1, -1, 1, 1))

    def _arrays(self, layer: Layer) -> Arrays:
        return dict(vars(self._quantize(layer)))

    def _quantize(self, layer: Layer) -> QuantizedWeights:
        source, result = self.encodings[layer.inputs[0]], self.encodings[layer.name]
        weight, bias = folded_parameters(layer, source, result)
        inputs, target, sample_weights = self._samples(layer)
        if layer.kind == "depthwise":
            rows = sample_weights / sample_weights.mean(1, keepdim=True).clamp_min(1e-30)
            moments = _moments_by_row(inputs, target, rows + WEIGHT_FLOOR)
        elif layer.relu6 and inputs.shape[0] <= NARROW and inputs.shape[1] == 1:
            rows = sample_weights / sample_weights.mean(1, keepdim=True).clamp_min(1e-30)
            moments = _moments_by_row(inputs.transpose(0, 1), target, rows + WEIGHT_FLOOR)
        else:
            shared = sample_weights.mean(0)
            shared = shared / shared.mean().clamp_min(1e-30) + WEIGHT_FLOOR
            moments = _moments(inputs.flatten(0, 1), target, shared)
        input_mean, target_mean, covariance = moments
        if self.options.rounding == "hessian":
            codes, scale = round_by_hessian(weight, _damped(covariance))
        else:
            scale = largest_scale(weight)
            codes = round_to_nearest(weight, scale)
        if self.options.correct_bias:
            bias = target_mean - (codes * scale[:, None] * input_mean).sum(1)
        return self._packed(layer, codes, scale, bias, float(source.scale))

    def _samples(self, layer: Layer) -> tuple[Tensor, Tensor, Tensor]:
        """Quantised inputs ``(channels, taps, n)``, targets and weights ``(rows, n)``, in the codes' units."""
        source, result = self.encodings[layer.inputs[0]], self.encodings[layer.name]
        statistics = self.statistics.tensors[layer.name]
        values = self.live[layer.inputs[0]]
        height, width = (values.shape[2] // layer.stride[0], values.shape[3] // layer.stride[1])
        positions = self.statistics.positions[height * width]
        parts = [
            input_patches(codes, layer, positions[start : start + BATCH], width)
            for start, codes in zip(range(0, len(values), BATCH), torch.split(values, BATCH), strict=True)
        ]
        inputs = torch.cat(parts, 2).float() * float(source.scale)
        unit, offset = (torch.from_numpy(part).float()[:, None] for part in (result.unit, result.offset))
        target = self._residual_target(layer, positions)
        if target is None:
            target = (statistics.values - offset) / unit
        return inputs, target, statistics.linear_weights * unit.square()

    def _residual_target(self, layer: Layer, positions: Positions) -> Tensor | None:
        """The float sum less the quantised stream, in the codes' units; None if the layer is no residual branch."""
        readers = self.network.consumers(layer.name)
        if not self.options.correct_stream or layer.relu6 or len(readers) != 1 or readers[0].kind != "add":
            return None
        total = readers[0]
        stream = next((name for name in total.inputs if name != layer.name), None)
        if stream is None or stream not in self.live:
            return None
        encoding, sums = self.encodings[total.name], self.statistics.tensors[total.name]
        unit, offset = (torch.from_numpy(part).float()[:, None] for part in (encoding.unit, encoding.offset))
        codes = gather(self.live[stream], positions).float()
        return (sums.values - offset) / unit - codes * float(self.encodings[stream].scale)

    def _packed(self, layer: Layer, codes: Tensor, scale: Tensor, bias: Tensor, input_scale: float) -> QuantizedWeights:
        weight, _ = layer.parameters()
        steps = torch.round(bias / (input_scale * scale))
        if not bool((steps.abs() <= INT32_LIMIT // 2).all()):
            raise ValueError(f"layer {layer.name}: a bias does not fit 32 bits beside weights as small as these")
        return QuantizedWeights(
            codes.to(torch.int8).reshape(weight.shape).numpy(),
            scale.float().numpy(),
            steps.to(torch.int32).numpy(),
        )


def sum_of_codes(inputs: list[Tensor], sources: list[Encoding], result: Encoding) -> Tensor:
    """Exact sum of two tensors of codes less zero point, in steps of the result."""
    left, right = (values * float(e.scale / result.scale) for values, e in zip(inputs, sources, strict=True))
    return left + right


def _moments(inputs: Tensor, target: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Weighted mean input, mean target per row, and covariance of the inputs, float64.

    Args:
        inputs: ``(columns, n)``.
        target: ``(rows, n)``.
        weights: ``(n,)``.
    """
    share = weights / weights.sum()
    mean = inputs @ share
    centred = inputs - mean[:, None]
    covariance = (centred * share) @ centred.T
    return mean.double(), (target @ share).double(), covariance.double()


def _moments_by_row(inputs: Tensor, target: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same where each row weights the samples differently: where its own ReLU6 is not flat.

    Args:
        inputs: ``(rows, columns, n)``, or ``(1, columns, n)`` if all rows read the same.
        target: ``(rows, n)``.
        weights: ``(rows, n)``.
    """
    share = weights / weights.sum(1, keepdim=True)
    columns = inputs.shape[1]
    mean = torch.empty(len(share), columns)
    covariance = torch.empty(len(share), columns, columns, dtype=torch.float64)
    for row in range(len(share)):
        own = inputs[row if len(inputs) > 1 else 0]
        mean[row] = own @ share[row]
        centred = (own - mean[row][:, None]) * share[row].sqrt()
        covariance[row] = centred @ centred.T
    return mean.double(), (target * share).sum(1).double(), covariance


def _damped(covariance: Tensor) -> Tensor:
    """Positive definite even where inputs never vary."""
    diagonal = covariance.diagonal(dim1=-2, dim2=-1)
    amount = DAMPING * diagonal.mean(-1, keepdim=True)
    floor = torch.where(amount > 0, amount, torch.ones_like(amount))
    return covariance + torch.diag_embed(floor.expand(diagonal.shape).contiguous())

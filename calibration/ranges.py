"""Decides every activation's encoding from the statistics: limits, centring, equalisation.

Three kinds of tensor, three rules.

* **A ReLU6 output** has zero point -128, and no channel's step exceeds 6/255, so saturation never sets in above six. A
  depthwise convolution absorbs any scale per channel, so what it reads gets each channel's own limit: in the file
  every such tensor ends at its largest limit, and every channel reaches it. What a projection or the classifier
  reads is balanced against those weights (:mod:`calibration.equalisation`).
* **Linear bottlenecks** and the residual chains through them share their ratios of steps, balanced likewise. They may
  also be *shifted* per channel, since all that reads them is linear and unpadded: ``W x + b = W (x - m) + (b + W m)``
  (bias absorption, Nagel et al. 2019, section 4.1.3, here without ReLU's approximation). With each channel's mean at
  zero the range holds the spread of the channels only, not the spread of their means. Means add up along a residual
  chain as the tensors do.
* **The logits** are the device's result: one scale, no shift.

The ranges of linear tensors have a scale and zero point each, chosen by the noise they cause in the logits over a grid
of clips. With `share_chain` all tensors of a residual chain have one scale, and only their zero points differ.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from calibration.affine import affine_quantization, zero_point_of
from calibration.encoding import Encoding
from calibration.equalisation import Reader, Written, balance_bounded, balance_group
from calibration.limits import one_sided_limits
from calibration.network import RELU6_LIMIT, Layer, Network
from calibration.options import Options
from calibration.relu6 import relu6_quantization
from calibration.statistics import Statistics, TensorStatistics

Float64Array = npt.NDArray[np.float64]

#: A channel that is hardly ever active on the calibration images keeps this share of the median channel's range.
FLOOR = 0.1
#: Fractions of the range at which a linear tensor may be clipped, on either side.
CLIPS = tuple(float(f) for f in np.linspace(1.0, 0.4, 13))
#: The range of a tensor that is zero on every image: any will do.
DEAD_RANGE = 1.0


def decide_encodings(
    network: Network, statistics: Statistics, input_range: tuple[float, float], options: Options
) -> dict[str, Encoding]:
    """Encodings of all tensors by name.

    Args:
        network: the float network.
        statistics: of the same network.
        input_range: least and greatest value that a pixel can have.
        options: uses `clip`, `doubt`, `centre` and `equalise`.
    """
    return _Ranges(network, statistics, options).decide(input_range)


def linear_groups(network: Network) -> list[list[str]]:
    """Names of the tensors by residual chain, in execution order; a tensor that is not added to is alone.

    A pooled tensor is in none: it has its input's encoding.
    """
    group = {layer.name: [layer.name] for layer in network.layers if layer.kind != "pool"}
    for layer in network.layers:
        if layer.kind == "add":
            for name in layer.inputs:
                # The network's own input has its range from the pixels and no group.
                if name in group and group[name] is not group[layer.name]:
                    merged = group[name] + group[layer.name]
                    group.update(dict.fromkeys(merged, merged))
    order = {layer.name: position for position, layer in enumerate(network.layers)}
    distinct = {id(members): sorted(members, key=order.__getitem__) for members in group.values()}
    return sorted(distinct.values(), key=lambda members: order[members[0]])


class _Ranges:
    def __init__(self, network: Network, statistics: Statistics, options: Options) -> None:
        self.network, self.statistics, self.options = network, statistics.tensors, options
        self.encodings: dict[str, Encoding] = {}
        # GPTQ and coordinate descent get well below rounding to nearest where rows are short, hardly where the
        # inputs are as good as independent; one is the safe estimate and measured best.
        self.kappa = 1.0

    def decide(self, input_range: tuple[float, float]) -> dict[str, Encoding]:
        network, channels = self.network, self.network.input_shape[0]
        scale, zero_point = affine_quantization(*input_range)
        self.encodings[network.input] = Encoding(scale, int(zero_point), np.ones(channels), np.zeros(channels))
        for group in linear_groups(network):
            if len(group) == 1 and network.layer(group[0]).relu6:
                self._bounded(group[0])
            else:
                self._linear(group)
        for layer in network.layers:
            if layer.kind == "pool":
                self.encodings[layer.name] = self.encodings[layer.inputs[0]]
        return self.encodings

    def _readers(self, tensor: str) -> list[Layer]:
        """The weighted layers that read a tensor, directly or pooled."""
        found: list[Layer] = []
        for layer in self.network.consumers(tensor):
            found += self._readers(layer.name) if layer.kind == "pool" else [layer] if layer.weighted else []
        return found

    def _reader(self, layer: Layer) -> Reader:
        weight, _ = layer.parameters()
        kernel = np.abs(weight).reshape(*weight.shape[:2], -1).astype(np.float64)
        source = self.statistics[layer.inputs[0]]
        # The bias makes up for the mean of a weight's error; what is left is its effect on the variation.
        variance = np.maximum(source.power - source.mean**2, 0.0)
        return Reader(kernel.max(2), kernel.shape[2], self.statistics[layer.name].linear_sensitivity, variance)

    def _limits(
        self,
        statistics: TensorStatistics,
        offset: Float64Array,
        side: int,
        steps: int,
        doubt: float = 1.0,
        bound: float = np.inf,
    ) -> Float64Array:
        """How far each channel has to reach from its offset, upwards (`side` 1) or downwards (-1)."""
        extreme = statistics.high - offset if side > 0 else offset - statistics.low
        maximum = np.maximum(extreme, 0.0)
        if not self.options.clip:
            return maximum * self.options.doubt
        values = (statistics.activated - _column(offset)) * side
        return one_sided_limits(values, statistics.weights, maximum, steps, doubt, bound)

    def _bounded(self, name: str) -> None:
        statistics = self.statistics[name]
        zeros = np.zeros(len(statistics.high))
        limits = self._limits(statistics, zeros, 1, 255, self.options.doubt, RELU6_LIMIT)
        live = limits[limits > 0]
        typical = float(np.median(live)) if len(live) else DEAD_RANGE
        least = np.clip(limits, FLOOR * typical, RELU6_LIMIT) / 255
        readers = self._readers(name)
        if not self.options.equalise:
            step = np.full_like(least, self._one_limit(statistics) / 255)
        elif all(layer.kind == "depthwise" for layer in readers):
            step = least
        else:
            pools = [layer.name for layer in self.network.consumers(name) if layer.kind == "pool"]
            rounded = [statistics.linear_sensitivity, *(self.statistics[pool].sensitivity for pool in pools)]
            full, _ = relu6_quantization()
            step = balance_bounded(rounded, least, float(full), [self._reader(r) for r in readers], self.kappa)
        scale, zero_point = relu6_quantization(min(float(step.max()) * 255, RELU6_LIMIT))
        self.encodings[name] = Encoding(scale, int(zero_point), step / np.float64(scale), zeros)

    def _one_limit(self, statistics: TensorStatistics) -> float:
        """One clip for all channels of a ReLU6 output."""
        maximum = min(float(statistics.high.max()), RELU6_LIMIT) or DEAD_RANGE
        if not self.options.clip:
            return min(maximum * self.options.doubt, RELU6_LIMIT)
        flat = (statistics.activated.flatten()[None], statistics.weights.flatten()[None])
        return float(one_sided_limits(*flat, np.array([maximum]), 255, self.options.doubt, RELU6_LIMIT)[0])

    def _linear(self, group: list[str]) -> None:
        offsets = self._offsets(group)
        low = {name: -self._limits(self.statistics[name], offsets[name], -1, 127) for name in group}
        high = {name: self._limits(self.statistics[name], offsets[name], 1, 127) for name in group}
        unit = np.ones(len(low[group[0]]))
        if self.options.equalise and self._adjustable(group):
            written = [Written(self.statistics[name].sensitivity, low[name], high[name]) for name in group]
            readers = [self._reader(layer) for name in group for layer in self._readers(name)]
            unit = balance_group(written, readers, self.kappa)
        intervals = {
            name: self._interval(
                name, offsets[name], unit, float((low[name] / unit).min()), float((high[name] / unit).max())
            )
            for name in group
        }
        shared = self._shared_width(group, intervals, offsets, unit) if self.options.share_chain else None
        for name, interval in intervals.items():
            if self.network.layer(name).relu6:
                # A ReLU6 output that is added to: it has to clamp at zero all the same.
                scale, zero_point = relu6_quantization(min(interval[1], RELU6_LIMIT))
            elif shared is None:
                scale, zero_point = affine_quantization(*interval)
            else:
                scale = np.float32(shared / 255)
                zero_point = zero_point_of(interval[0] * min(1.0, shared / (interval[1] - interval[0])), scale)
            self.encodings[name] = Encoding(scale, int(zero_point), unit, offsets[name])

    def _interval(
        self, name: str, offset: Float64Array, unit: Float64Array, low: float, high: float
    ) -> tuple[float, float]:
        statistics, doubt = self.statistics[name], self.options.doubt
        if low >= high:
            return -DEAD_RANGE, DEAD_RANGE
        if name == self.network.output and doubt > 1:
            # Which class wins is read off the highest logit, and nothing after it could make up for a clip.
            return float(statistics.low.min()) * doubt, float(statistics.high.max()) * doubt
        return _clipped(statistics, offset, unit, (low, high)) if self.options.clip else (low, high)

    def _shared_width(
        self,
        group: list[str],
        intervals: dict[str, tuple[float, float]],
        offsets: dict[str, Float64Array],
        unit: Float64Array,
    ) -> float | None:
        """The one of the tensors' own widths that causes the least noise as that of all; None for a lone tensor."""
        if len(group) == 1 or any(self.network.layer(name).relu6 for name in group):
            return None
        widths = {name: high - low for name, (low, high) in intervals.items()}

        def noise(width: float) -> float:
            return sum(
                _noise(self.statistics[name], offsets[name], unit, intervals[name], min(1.0, width / own), width)
                for name, own in widths.items()
            )

        return min(sorted(set(widths.values())), key=noise)

    def _adjustable(self, group: list[str]) -> bool:
        """Whether a scale and a shift per channel can be absorbed by everything around the group."""
        layers = [self.network.layer(name) for name in group]
        readers = [reader for name in group for reader in self._readers(name)]
        return (
            self.network.output not in group
            and not any(layer.relu6 or self.network.input in layer.inputs for layer in layers if layer.kind == "add")
            and not any(layer.relu6 for layer in layers)
            and not any(any(reader.padding) for reader in readers)
        )

    def _offsets(self, group: list[str]) -> dict[str, Float64Array]:
        """The shift of each channel: its mean, where a shift can be absorbed."""
        offsets: dict[str, Float64Array] = {}
        centred = self.options.centre and self._adjustable(group)
        for name in group:
            layer, mean = self.network.layer(name), self.statistics[name].mean
            if not centred:
                offsets[name] = np.zeros_like(mean)
            elif layer.kind == "add":
                offsets[name] = offsets[layer.inputs[0]] + offsets[layer.inputs[1]]
            else:
                offsets[name] = mean
        return offsets


def _column(values: Float64Array) -> Tensor:
    return torch.from_numpy(values).float()[:, None]


def _clipped(
    statistics: TensorStatistics, offset: Float64Array, unit: Float64Array, interval: tuple[float, float]
) -> tuple[float, float]:
    """The part of the interval whose 256 codes cause the least noise over all channels, in units."""
    low, high = interval
    values = (statistics.activated - _column(offset)) / _column(unit)
    weights = statistics.weights * _column(unit) ** 2
    total = float(weights.sum())
    below = {c: float((weights * (low * c - values).clamp_min(0).square()).sum()) for c in CLIPS}
    above = {c: float((weights * (values - high * c).clamp_min(0).square()).sum()) for c in CLIPS}

    def noise(clips: tuple[float, float]) -> float:
        width = high * clips[1] - low * clips[0]
        return below[clips[0]] + above[clips[1]] + total * (width / 255) ** 2 / 12

    best = min(((a, b) for a in CLIPS for b in CLIPS), key=noise)
    return low * best[0], high * best[1]


def _noise(
    statistics: TensorStatistics,
    offset: Float64Array,
    unit: Float64Array,
    interval: tuple[float, float],
    share: float,
    width: float,
) -> float:
    """The noise of clipping to `share` of the interval and rounding to 256 codes over `width`."""
    low, high = (end * share for end in interval)
    values = (statistics.activated - _column(offset)) / _column(unit)
    weights = statistics.weights * _column(unit) ** 2
    clipped = (weights * (values - values.clamp(low, high)).square()).sum()
    return float(clipped + weights.sum() * (width / 255) ** 2 / 12)

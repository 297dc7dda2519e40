"""Quantises a float network: statistics, encodings, weights, integer graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from calibration.emit import integer_graph
from calibration.encoding import Encoding
from calibration.error_analysis import LayerNoise, analyse
from calibration.impressions import class_impressions
from calibration.network import Network
from calibration.options import Options
from calibration.ranges import decide_encodings
from calibration.reconstruction import QuantizedWeights, quantize_weights
from calibration.statistics import collect
from pipeline.graph.ir import IntegerGraph

#: Fewer photographs than this are topped up: 16 alone gave 18.4 dB, one 2.6 dB, none with class impressions 20.3 dB.
ENOUGH_IMAGES = 64
#: Photographs excite a channel by more than class impressions do. Measured with none but these, on photographs:
#: factor 1.25 19.3 dB, 1.5 20.3 dB, 2 18.3 dB.
SYNTHETIC_MARGIN = 1.5


@dataclass(frozen=True, eq=False)
class Quantized:
    """The result, and how it came about.

    Attributes:
        graph: what every target computes.
        encodings: of each tensor, with the scale and shift per channel that the graph's weights have absorbed.
        weights: of each weighted layer.
    """

    graph: IntegerGraph
    encodings: Mapping[str, Encoding]
    weights: Mapping[str, QuantizedWeights]


def quantize_network(
    network: Network,
    images: npt.NDArray[np.float32],
    synthetic: npt.NDArray[np.float32],
    bounds: npt.NDArray[np.float32],
    options: Options,
    progress: Callable[[int], None] | None = None,
) -> Quantized:
    """Quantise `network`: weights int8 per channel, activations int8 per tensor, biases int32.

    The same arguments give the same graph, whatever the machine's number of cores: torch runs on one thread, since
    the order in which several sum depends on how many there are. (One is also faster here: most matrices are small.)

    Args:
        network: the float network, batch norm folded.
        images: normalised, ``(n, channels, height, width)``; may be none.
        synthetic: normalised likewise, :func:`synthetic_needed` many: turned into class impressions and added where
            the images are too few.
        bounds: least and greatest value that a pixel of each channel can have, ``(channels, 2)``.
        options: which methods are used.
        progress: called with steps done since its last call, :func:`steps` in all.

    Raises:
        ValueError: images are not finite or of another shape than the network takes, or none are given at all; a bias
            does not fit.
    """
    for given in (images, synthetic):
        if given.shape[1:] != network.input_shape or not np.isfinite(given).all():
            raise ValueError(f"calibration images {given.shape}: finite ones of {network.input_shape} are needed")
    if len(images) + len(synthetic) == 0:
        raise ValueError("calibration needs at least one image, real or synthetic")
    if len(synthetic):
        options = replace(options, clip=False, margin=SYNTHETIC_MARGIN)
    input_range = float(bounds.min()), float(bounds.max())
    pixels = torch.from_numpy(np.ascontiguousarray(images))
    with single_threaded(), torch.no_grad():
        if len(synthetic):
            low, high = torch.from_numpy(bounds.astype(np.float32)).unbind(1)
            start = torch.from_numpy(np.ascontiguousarray(synthetic))
            pixels = torch.cat([pixels, class_impressions(network, start, low, high, options.seed, progress)])
        statistics = collect(network, pixels, options.seed, progress)
        encodings = decide_encodings(network, statistics, input_range, options)
        weights = quantize_weights(network, statistics, encodings, pixels, options, progress)
    return Quantized(integer_graph(network, encodings, weights), encodings, weights)


def synthetic_needed(images: int) -> int:
    """How many synthetic images make up for too few real ones."""
    return max(ENOUGH_IMAGES - images, 0)


def steps(network: Network, images: int) -> int:
    """How much :func:`quantize_network` reports to its progress function when given `images` real images."""
    return images + 2 * synthetic_needed(images) + len(network.layers)


def noise_by_layer(
    network: Network, quantized: Quantized, images: npt.NDArray[np.float32], seed: int
) -> list[LayerNoise]:
    """What each layer's rounding costs the logits on `images` ``(n, channels, height, width)``."""
    with single_threaded(), torch.no_grad():
        return analyse(network, quantized.encodings, quantized.weights, torch.from_numpy(images), seed)


@contextmanager
def single_threaded() -> Iterator[None]:
    """Run torch on one thread inside, on as many as before outside."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

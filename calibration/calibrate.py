"""Quantises a float network: statistics, encodings, weights, integer graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from calibration.distillation import distilled_images
from calibration.emit import integer_graph
from calibration.encoding import Encoding, from_arrays, to_arrays
from calibration.equivalence import Equivalence, check_equivalence
from calibration.error_analysis import LayerNoise, analyse
from calibration.impressions import class_impressions
from calibration.network import Network
from calibration.options import Options
from calibration.ranges import decide_encodings
from calibration.reconstruction import QuantizedWeights, quantize_weights
from calibration.resume import Arrays, Keep, make_anew
from calibration.statistics import Statistics, collect
from pipeline.graph.ir import IntegerGraph

#: Fewer photographs than this are topped up: alone they leave the reach of many channels unseen, more than synthetic
#: images do. What it comes to, the table by number of photographs in docs/quantisation.md says.
ENOUGH_IMAGES = 64
#: What synthetic images leave in doubt (:class:`calibration.options.Options`): those distilled from batch norm have the
#: spread of photographs, but 64 of them excite the rare channels of the last layers by less.
DISTILLED_DOUBT = 2.0
#: Class impressions have not even that spread, but they do excite the rare channels, so as much doubt costs more
#: precision than it saves; with none but these, photographs did best with a doubt between one and two.
IMPRESSION_DOUBT = 1.5


@dataclass(frozen=True, eq=False)
class Observed:
    """What calibration has seen: all that depends on the images and on no option but the seed.

    Attributes:
        pixels: the images, the real ones first, ``(n, channels, height, width)``.
        synthetic: how many of them were made up.
        input_range: least and greatest value that a pixel can have.
        statistics: of the float network over them.
    """

    pixels: torch.Tensor
    synthetic: int
    input_range: tuple[float, float]
    statistics: Statistics


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
    keep: Keep = make_anew,
) -> Quantized:
    """Quantise `network`: weights int8 per channel, activations int8 per tensor, biases int32.

    The same arguments give the same graph, whatever the machine's number of cores: torch runs on one thread, since
    the order in which several sum depends on how many there are. (One is also faster here: most matrices are small.)

    Args:
        network: the float network, batch norm folded.
        images: normalised, ``(n, channels, height, width)``; may be none.
        synthetic: normalised likewise, :func:`synthetic_needed` many: turned into images distilled from batch norm
            (without its moments into class impressions) and added where the images are too few.
        bounds: least and greatest value that a pixel of each channel can have, ``(channels, 2)``.
        options: which methods are used.
        progress: called with steps done since its last call, :func:`steps` in all.
        keep: remembers what is costly, for a run that is interrupted.

    Raises:
        ValueError: images are not finite or of another shape than the network takes, or none are given at all; a bias
            does not fit.
    """
    observed = observe(network, images, synthetic, bounds, options.seed, progress, keep)
    return quantize_observed(network, observed, options, progress, keep)


def observe(
    network: Network,
    images: npt.NDArray[np.float32],
    synthetic: npt.NDArray[np.float32],
    bounds: npt.NDArray[np.float32],
    seed: int,
    progress: Callable[[int], None] | None = None,
    keep: Keep = make_anew,
) -> Observed:
    """The first part of :func:`quantize_network`, which several sets of options can share; arguments as there."""
    for given in (images, synthetic):
        if given.shape[1:] != network.input_shape or not np.isfinite(given).all():
            raise ValueError(f"calibration images {given.shape}: finite ones of {network.input_shape} are needed")
    if len(images) + len(synthetic) == 0:
        raise ValueError("calibration needs at least one image, real or synthetic")
    pixels = torch.from_numpy(np.ascontiguousarray(images))
    with single_threaded(), torch.no_grad():
        if len(synthetic):
            low, high = torch.from_numpy(bounds.astype(np.float32)).unbind(1)
            start = torch.from_numpy(np.ascontiguousarray(synthetic))

            def develop() -> Arrays:
                method = distilled_images if network.has_moments else class_impressions
                return {"images": method(network, start, low, high, seed, progress).numpy()}

            pixels = torch.cat([pixels, torch.from_numpy(keep("synthetic", develop)["images"])])
        statistics = collect(network, pixels, seed, progress)
    return Observed(pixels, len(synthetic), (float(bounds.min()), float(bounds.max())), statistics)


def quantize_observed(
    network: Network,
    observed: Observed,
    options: Options,
    progress: Callable[[int], None] | None = None,
    keep: Keep = make_anew,
) -> Quantized:
    """The second part of :func:`quantize_network`; `options.seed` is the one of :func:`observe`."""
    if observed.synthetic:
        doubtful = replace(options, clip=False, doubt=IMPRESSION_DOUBT)
        options = replace(options, doubt=DISTILLED_DOUBT) if network.has_moments else doubtful
    names = [network.input, *(layer.name for layer in network.layers)]

    def decide() -> Arrays:
        return to_arrays(decide_encodings(network, observed.statistics, observed.input_range, options), names)

    with single_threaded(), torch.no_grad():
        encodings = from_arrays(keep("encodings", decide), names)
        weights = quantize_weights(network, observed.statistics, encodings, observed.pixels, options, progress, keep)
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


def equivalence(network: Network, quantized: Quantized, images: npt.NDArray[np.float32]) -> Equivalence:
    """How far the equalised float network is from the original on `images` ``(n, channels, height, width)``.

    Raises:
        ValueError: further than rounding explains.
    """
    with single_threaded(), torch.no_grad():
        return check_equivalence(network, quantized.encodings, torch.from_numpy(np.ascontiguousarray(images)))


@contextmanager
def single_threaded() -> Iterator[None]:
    """Run torch on one thread inside, on as many as before outside."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

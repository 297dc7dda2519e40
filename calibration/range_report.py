"""Where the ranges of ReLU6 outputs ended up, against the bound of six that is known before any image is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from calibration.encoding import Encoding
from calibration.network import Network
from calibration.relu6 import RELU6_LIMIT

CODES = 255


@dataclass(frozen=True)
class Relu6Range:
    """The real values that the greatest code stands for.

    Attributes:
        name: of the layer.
        r: in the graph, whose one scale is that of the channel reaching furthest; 0 < r <= 6.
        median: of the channels, each with its own scale before equalisation put that into the weights.
        least: of the channels.
    """

    name: str
    r: float
    median: float
    least: float

    def as_json(self) -> dict[str, str | float]:
        """An item of the report's `relu6_ranges`."""
        return asdict(self)


def relu6_ranges(network: Network, encodings: Mapping[str, Encoding]) -> tuple[Relu6Range, ...]:
    """One item for each ReLU6 output, in the order of execution."""
    ranges = []
    for layer in network.layers:
        if layer.relu6:
            encoding = encodings[layer.name]
            # A scale is float32, so 255 steps may pass six by its rounding.
            limits = np.minimum(encoding.step * CODES, RELU6_LIMIT)
            ranges.append(
                Relu6Range(
                    layer.name,
                    min(float(encoding.scale) * CODES, RELU6_LIMIT),
                    float(np.median(limits)),
                    float(limits.min()),
                )
            )
    return tuple(ranges)

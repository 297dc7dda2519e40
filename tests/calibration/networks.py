"""Small float networks with everything that calibration has a rule for."""

import numpy as np

from calibration.network import Layer, Network

SHAPE = (3, 16, 16)
BOUNDS = np.array([[0.0, 1.0]] * 3, np.float32)


def network(seed: int = 0) -> Network:
    """Stem, a bottleneck, a residual one, last convolution, pooling and classifier."""
    rng = np.random.default_rng(seed)

    def weighted(name: str, kind: str, source: str, shape: tuple[int, ...], **attributes) -> Layer:
        weight = rng.normal(0, 1.5 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)
        # Channels of very different size, as real networks have them.
        weight *= rng.lognormal(0, 0.7, (shape[0], *[1] * (len(shape) - 1))).astype(np.float32)
        return Layer(name, kind, (source,), weight, rng.normal(0, 0.3, shape[0]).astype(np.float32), **attributes)

    padded = {"padding": (1, 1, 1, 1), "relu6": True}
    layers = (
        weighted("stem", "conv", "input", (8, 3, 3, 3), stride=(2, 2), **padded),
        weighted("first.depthwise", "depthwise", "stem", (8, 1, 3, 3), **padded),
        weighted("first.project", "conv", "first.depthwise", (6, 8, 1, 1)),
        weighted("second.expand", "conv", "first.project", (24, 6, 1, 1), relu6=True),
        weighted("second.depthwise", "depthwise", "second.expand", (24, 1, 3, 3), **padded),
        weighted("second.project", "conv", "second.depthwise", (6, 24, 1, 1)),
        Layer("second.add", "add", ("first.project", "second.project")),
        weighted("third.expand", "conv", "second.add", (24, 6, 1, 1), relu6=True),
        weighted("third.depthwise", "depthwise", "third.expand", (24, 1, 3, 3), stride=(2, 2), **padded),
        weighted("third.project", "conv", "third.depthwise", (10, 24, 1, 1)),
        weighted("last", "conv", "third.project", (40, 10, 1, 1), relu6=True),
        Layer("pool", "pool", ("last",)),
        weighted("classifier", "linear", "pool", (5, 40)),
    )
    return Network(layers, "input", SHAPE, {"sixfold.labels": "[]", "other": "x"})


def images(count: int, seed: int = 1) -> np.ndarray:
    """Smooth random images in [0, 1]: (count, channels, height, width)."""
    coarse = np.random.default_rng(seed).random((count, 3, 4, 4), dtype=np.float32)
    return coarse.repeat(4, axis=2).repeat(4, axis=3)


def no_images() -> np.ndarray:
    return np.zeros((0, *SHAPE), np.float32)

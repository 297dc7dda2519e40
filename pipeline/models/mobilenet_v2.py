"""MobileNetV2, exactly the paper's Table 2.

Sandler et al., *MobileNetV2: Inverted Residuals and Linear Bottlenecks*, CVPR 2018 (arXiv:1801.04381). Module names are
those of torchvision's model, so that its state dicts load strictly at stem stride 2 and three input channels.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.errors import SixfoldError

# The paper's Table 2 without its first and last rows: expansion factor t, channels c, repeats n, first stride s.
INVERTED_RESIDUALS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM_CHANNELS = 32
LAST_CHANNELS = 1280
CHANNEL_MULTIPLE = 8
# Five halvings at stem stride 2. At stem stride 1 there are four, and 32 is kept so that one rule fits both.
RESOLUTION_MULTIPLE = 32


def scaled_channels(channels: int, width: float) -> int:
    """Channels under a width multiplier: the nearest multiple of 8, never below 90 % of the exact product.

    >>> [scaled_channels(c, 0.35) for c in (16, 24, 32, 160)]
    [8, 8, 16, 56]
    """
    exact = channels * width
    rounded = max(CHANNEL_MULTIPLE, int(exact + CHANNEL_MULTIPLE / 2) // CHANNEL_MULTIPLE * CHANNEL_MULTIPLE)
    return rounded + CHANNEL_MULTIPLE if rounded < 0.9 * exact else rounded


@dataclass(frozen=True)
class Architecture:
    """MobileNetV2's free parameters.

    Attributes:
        width: channel multiplier, > 0; the last convolution is only ever widened by it (paper, section 6.1).
        num_classes: outputs of the classifier, >= 1.
        in_channels: channels of the image.
        stem_stride: 2 in the paper; 1 keeps four times the resolution, for images as small as 32x32.
        dropout: probability before the classifier, 0 <= dropout < 1; no effect on inference.
    """

    width: float = 1.0
    num_classes: int = 1000
    in_channels: int = 3
    stem_stride: int = 2
    dropout: float = 0.2

    def to_dict(self) -> dict[str, int | float]:
        """Plain values, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Architecture":
        """The inverse of :meth:`to_dict`.

        Raises:
            TypeError: a key is missing or unknown.
        """
        return cls(**values)


class ConvBNReLU6(nn.Sequential):
    """Convolution without bias, batch norm, ReLU6; padding keeps the size at stride 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU6(inplace=True),
        )


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project linearly; a residual where shapes permit (paper, Table 1, Figure 4)."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = [] if expansion == 1 else [ConvBNReLU6(inputs, hidden, kernel=1)]
        layers += [
            ConvBNReLU6(hidden, hidden, kernel=3, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        branch: Tensor = self.conv(x)
        return x + branch if self.residual else branch


class MobileNetV2(nn.Module):
    """The classification network of the paper's Table 2, initialised as torchvision does.

    Random numbers for the initial weights come from torch's global generator: seed it before.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        width = architecture.width
        channels = scaled_channels(STEM_CHANNELS, width)
        layers: list[nn.Module] = [ConvBNReLU6(architecture.in_channels, channels, 3, architecture.stem_stride)]
        for expansion, base, repeats, first_stride in INVERTED_RESIDUALS:
            outputs = scaled_channels(base, width)
            for index in range(repeats):
                layers.append(InvertedResidual(channels, outputs, first_stride if index == 0 else 1, expansion))
                channels = outputs
        last = scaled_channels(LAST_CHANNELS, max(1.0, width))
        layers.append(ConvBNReLU6(channels, last, kernel=1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(architecture.dropout), nn.Linear(last, architecture.num_classes))
        self._initialise()

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images (N, in_channels, H, W) to logits (N, num_classes).

        Raises:
            SixfoldError: height or width is not a multiple of 32.
        """
        height, width = images.shape[-2:]
        if height % RESOLUTION_MULTIPLE or width % RESOLUTION_MULTIPLE:
            raise SixfoldError(
                f"image of {height}x{width} pixels: both sides must be multiples of {RESOLUTION_MULTIPLE}; "
                "change data.image_size in params.yaml"
            )
        x = self.features(images)
        # One average over the whole map: an adaptive pool or a mean would become a float ReduceMean in the ONNX file.
        x = F.avg_pool2d(x, kernel_size=(x.shape[-2], x.shape[-1]))
        logits: Tensor = self.classifier(torch.flatten(x, 1))
        return logits

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.zeros_(module.bias)

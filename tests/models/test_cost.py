"""Counting, pinned to the paper's Table 4 and to the authors' own table of the same networks.

The authors publish their checkpoints in tensorflow/models, research/slim/nets/mobilenet/README.md, with multiply-adds
and parameters. Counting as :mod:`pipeline.models.cost` does gives their figures to the last digit: products of
convolutions and classifier, and weights without biases and batch norm.

| width/resolution | paper, Table 4 | authors' table | counted |
|---|---|---|---|
| 1.0/224 | 3.4 M, 300 M | 3.47 M, 300 M | 3 469 760, 300 774 272 |
| 1.4/224 | 6.9 M, 585 M | 6.06 M, 582 M | 6 059 840, 582 195 824 |

So Table 4 cuts 3.47 to 3.4; its 585 M is 0.5 % above what Table 2 gives at width 1.4; and its 6.9 M is no count of that
network: no rounding of channels and no way of counting reaches it, while 3.47 M x 1.4 squared, rounded up, does.
"""

import pytest
import torch
from torch import nn

from pipeline.models.cost import cost
from pipeline.models.mobilenet_v2 import Architecture, MobileNetV2


@pytest.mark.parametrize(
    ("width", "weights", "macs", "authors", "paper"),
    [
        (1.0, 3_469_760, 300_774_272, (3.47, 300), (3.4, 300)),
        (1.4, 6_059_840, 582_195_824, (6.06, 582), (6.9, 585)),
    ],
)
def test_table_4(width: float, weights: int, macs: int, authors: tuple[float, int], paper: tuple[float, int]) -> None:
    counted = cost(MobileNetV2(Architecture(width)), 3, 224, 224)
    assert (counted.weights, counted.macs) == (weights, macs)
    assert (round(weights / 1e6, 2), macs // 1_000_000) == authors
    assert macs / 1e6 == pytest.approx(paper[1], rel=0.006)
    if width == 1.0:
        assert weights // 100_000 / 10 == paper[0]
    else:
        # The one figure of the paper that its own Table 2 does not give; see above.
        assert paper[0] / (weights / 1e6) == pytest.approx(1.139, abs=0.001)


def test_parameters_include_biases_and_batch_norm() -> None:
    counted = cost(MobileNetV2(Architecture()), 3, 224, 224)
    batch_norm = 17_056
    assert counted.parameters == 3_504_872 == counted.weights + 2 * batch_norm + 1000


def test_the_benchmark_network() -> None:
    counted = cost(MobileNetV2(Architecture(0.35, 10)), 3, 96, 96)
    assert counted.macs == 10_666_928
    assert sum(layer.macs for layer in counted.layers) == counted.macs
    assert counted.layers[0].name == "features.0.0"
    assert counted.layers[0].macs == 48 * 48 * 16 * 3 * 9
    assert counted.layers[-1] == type(counted.layers[-1])("classifier.1", 12_800, 12_800)


def test_the_model_is_left_as_it_was() -> None:
    model = MobileNetV2(Architecture(0.35, 10)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    cost(model, 3, 32, 32)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_strides_groups_and_biases() -> None:
    model = nn.Sequential(nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2), nn.Flatten(), nn.Linear(8 * 3 * 3, 5))
    counted = cost(model, 4, 6, 6)
    assert [layer.macs for layer in counted.layers] == [9 * 8 * 2 * 9, 72 * 5]
    assert counted.parameters == counted.weights + 8 + 5

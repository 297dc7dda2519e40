"""The network against the paper's tables."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pipeline.errors import SixfoldError
from pipeline.models.mobilenet_v2 import Architecture, InvertedResidual, MobileNetV2, scaled_channels

# Paper, Table 2: output channels and stride of each bottleneck, sequence by sequence.
TABLE_2 = [(16, 1), (24, 2), (24, 1), (32, 2), (32, 1), (32, 1), (64, 2), (64, 1), (64, 1), (64, 1)]
TABLE_2 += [(96, 1), (96, 1), (96, 1), (160, 2), (160, 1), (160, 1), (320, 1)]


@given(channels=st.integers(1, 2000), width=st.floats(0.05, 4))
def test_channels_are_multiples_of_eight_and_never_below_90_percent(channels: int, width: float) -> None:
    scaled = scaled_channels(channels, width)
    assert scaled % 8 == 0
    assert scaled >= 8
    assert scaled >= 0.9 * channels * width
    assert scaled <= channels * width + 8


def test_the_bottlenecks_are_table_2() -> None:
    features = MobileNetV2(Architecture()).features
    blocks = [block for block in features if isinstance(block, InvertedResidual)]
    found = []
    for block in blocks:
        projection = block.conv[-2]
        depthwise = block.conv[-3][0]
        assert isinstance(projection, nn.Conv2d)
        assert isinstance(depthwise, nn.Conv2d)
        found.append((projection.out_channels, depthwise.stride[0]))
        # Expansion by six, but for the first; a residual exactly where input and output are alike (Figure 4).
        entering = depthwise.in_channels if len(block.conv) == 3 else block.conv[0][0].in_channels
        assert depthwise.in_channels == entering * (1 if block is blocks[0] else 6)
        assert depthwise.groups == depthwise.in_channels
        assert block.residual == (depthwise.stride[0] == 1 and entering == projection.out_channels)
    assert found == TABLE_2
    assert sum(block.residual for block in blocks) == 10


@pytest.mark.parametrize(("width", "last"), [(0.35, 1280), (0.5, 1280), (1.0, 1280), (1.4, 1792)])
def test_the_last_convolution_is_only_ever_widened(width: float, last: int) -> None:
    assert MobileNetV2(Architecture(width=width)).classifier[1].in_features == last


@pytest.mark.parametrize("size", [32, 96, 160])
@pytest.mark.parametrize(("stem_stride", "channels"), [(1, 1), (2, 3)])
def test_any_resolution_divisible_by_32(size: int, stem_stride: int, channels: int) -> None:
    model = MobileNetV2(Architecture(0.35, 7, channels, stem_stride)).eval()
    assert model(torch.zeros(2, channels, size, size)).shape == (2, 7)
    assert model.features(torch.zeros(1, channels, size, size)).shape[-1] == size // (16 * stem_stride)


def test_another_resolution_is_refused() -> None:
    with pytest.raises(SixfoldError, match="40x32 pixels: both sides must be multiples of 32"):
        MobileNetV2(Architecture(0.35))(torch.zeros(1, 3, 40, 32))


def test_the_seed_decides_the_weights() -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(MobileNetV2(Architecture(0.35, 10)).state_dict()["features.0.0.weight"])
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_architecture_survives_as_plain_values() -> None:
    architecture = Architecture(0.35, 10, 1, 1, 0.1)
    assert Architecture.from_dict(architecture.to_dict()) == architecture
    with pytest.raises(TypeError):
        Architecture.from_dict({"depth": 3})

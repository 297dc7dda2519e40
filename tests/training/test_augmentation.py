"""Augmentation keeps shape and range, follows the seed, and does what its name says."""

import pytest
import torch

from pipeline.training.augmentation import make_augmentation


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["digits", "photographs", "none"])
def test_shape_range_and_seed(name: str, channels: int) -> None:
    augment = make_augmentation(name, 32, channels)
    images = torch.rand(8, channels, 32, 32, generator=torch.Generator().manual_seed(0))
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(augment(images.clone()))
    assert results[0].shape == images.shape
    assert results[0].min() >= 0
    assert results[0].max() <= 1 + 1e-6
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2]) == (name == "none")
    if name != "none":
        # Each image has its own random numbers.
        one = images[:1].expand(8, -1, -1, -1)
        assert not torch.allclose(augment(one)[0], augment(one)[1])


def test_digits_are_never_mirrored_and_stay_near() -> None:
    image = torch.zeros(1, 1, 32, 32)
    image[..., 14:18, 4:8] = 1  # a mark on the left
    torch.manual_seed(0)
    results = make_augmentation("digits", 32, 1)(image.expand(64, 1, 32, 32))
    assert (results[..., :16].sum(dim=(1, 2, 3)) > results[..., 16:].sum(dim=(1, 2, 3))).all()


def test_photographs_are_mirrored() -> None:
    image = torch.zeros(1, 1, 32, 32)
    image[..., :8] = 1
    torch.manual_seed(0)
    results = make_augmentation("photographs", 32, 1)(image.expand(64, 1, 32, 32))
    left = (results[..., :16].mean(dim=(1, 2, 3)) > results[..., 16:].mean(dim=(1, 2, 3))).float().mean()
    assert 0.2 < left < 0.8

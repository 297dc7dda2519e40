import numpy as np
import torch

from calibration.dead_leaves import dead_leaves
from calibration.impressions import class_impressions
from calibration.network import forward
from tests.calibration.networks import SHAPE, images, network


def test_dead_leaves_are_deterministic_images_of_many_colours():
    leaves = dead_leaves(3, (32, 40, 3), seed=1)
    assert leaves.dtype == np.uint8
    assert leaves.shape == (3, 32, 40, 3)
    assert leaves.std() > 20
    assert np.array_equal(leaves, dead_leaves(3, (32, 40, 3), seed=1))
    assert not np.array_equal(leaves, dead_leaves(3, (32, 40, 3), seed=2))
    assert dead_leaves(0, (32, 40, 1), seed=1).shape == (0, 32, 40, 1)


def test_impressions_make_the_network_surer_of_its_classes_within_the_pixels_range():
    net = network()
    start = torch.from_numpy(images(10))
    low, high = torch.zeros(3), torch.ones(3)
    changed = class_impressions(net, start, low, high, seed=3)
    assert changed.shape == (10, *SHAPE)
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1

    def spread(values: torch.Tensor) -> float:
        logits = forward(net, values)[net.output].flatten(1)
        return float(logits.std(0).mean())

    assert spread(changed) > spread(start)
    assert torch.equal(changed, class_impressions(net, start, low, high, seed=3))

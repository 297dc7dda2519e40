from dataclasses import replace

import numpy as np
import pytest
import torch

from calibration.calibrate import observe, single_threaded, synthetic_needed
from calibration.distillation import distilled_images, moments_distance
from calibration.impressions import class_impressions
from calibration.network import Network, forward, linear_output
from pipeline.channel_moments import ChannelMoments
from tests.calibration.networks import BOUNDS, SHAPE, images, network, no_images

LOW, HIGH = torch.zeros(3), torch.ones(3)


def told(net: Network, seen: np.ndarray) -> Network:
    """The network whose batch norms saw these images."""
    values = forward(net, torch.from_numpy(seen))
    changed = {}
    for layer in net.layers:
        if layer.kind in ("conv", "depthwise"):
            before = linear_output(layer, [values[name] for name in layer.inputs])
            deviation, mean = torch.std_mean(before, (0, 2, 3), correction=0)
            changed[layer.name] = replace(layer, moments=ChannelMoments(mean.numpy(), deviation.numpy()))
    return net.with_layers(changed)


@pytest.fixture(scope="module")
def net() -> Network:
    return told(network(), images(64, seed=2))


def test_images_that_training_saw_have_its_moments(net):
    assert moments_distance(net, torch.from_numpy(images(64, seed=2))) < 1e-6
    assert moments_distance(net, torch.from_numpy(images(64, seed=3))) < 1


def test_distilled_images_have_more_of_the_moments_than_their_start_and_than_impressions(net):
    start = torch.from_numpy(np.random.default_rng(0).random((20, *SHAPE), dtype=np.float32))
    distilled = distilled_images(net, start, LOW, HIGH, seed=3)
    assert distilled.shape == start.shape
    assert float(distilled.min()) >= 0
    assert float(distilled.max()) <= 1
    distance = moments_distance(net, distilled)
    assert distance < 0.7 * moments_distance(net, start)
    assert distance < moments_distance(net, class_impressions(net, start, LOW, HIGH, seed=3))


def test_the_same_seed_gives_the_same_images(net):
    start = torch.from_numpy(images(10))
    first = distilled_images(net, start, LOW, HIGH, seed=3)
    assert torch.equal(first, distilled_images(net, start, LOW, HIGH, seed=3))
    assert not torch.equal(first, distilled_images(net, start, LOW, HIGH, seed=4))


def test_progress_counts_the_images(net):
    done: list[int] = []
    distilled_images(net, torch.from_numpy(images(10)), LOW, HIGH, 3, done.append)
    assert sum(done) == 10


def test_a_channel_that_never_varied_has_no_say(net):
    layer = net.layer("second.expand")
    assert layer.moments is not None
    mean, deviation = layer.moments.mean.copy(), layer.moments.deviation.copy()
    mean[3], deviation[3] = 1e6, 0
    odd = net.with_layers({layer.name: replace(layer, moments=ChannelMoments(mean, deviation))})
    seen = torch.from_numpy(images(64, seed=2))
    assert moments_distance(odd, seen) < 1e-6
    assert bool(torch.isfinite(distilled_images(odd, seen[:4], LOW, HIGH, 3)).all())


def test_a_layer_that_never_varied_has_no_say(net):
    layer = net.layer("last")
    still = ChannelMoments(np.zeros(40, np.float32), np.zeros(40, np.float32))
    odd = net.with_layers({"last": replace(layer, moments=still)})
    assert moments_distance(odd, torch.from_numpy(images(64, seed=2))) < 1e-6


def test_calibration_distils_where_the_file_kept_the_moments_and_only_there(net):
    synthetic = images(synthetic_needed(0), seed=5)
    low, high = torch.from_numpy(BOUNDS).unbind(1)
    start = torch.from_numpy(synthetic)
    for chosen, method in ((net, distilled_images), (network(), class_impressions)):
        seen = observe(chosen, no_images(), synthetic, BOUNDS, seed=6)
        with single_threaded(), torch.no_grad():  # as calibration runs: the order of sums depends on the threads
            assert torch.equal(seen.pixels, method(chosen, start, low, high, 6))

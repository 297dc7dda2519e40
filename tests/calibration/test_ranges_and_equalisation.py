import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import calibration.statistics
from calibration.equalisation import Reader, Written, balance_bounded, balance_group, weight_noise
from calibration.error_analysis import LayerNoise, dominating, with_real_weights
from calibration.limits import one_sided_limits
from calibration.network import forward
from calibration.options import Options
from calibration.ranges import decide_encodings, linear_groups
from calibration.reconstruction import QuantizedWeights, folded_parameters
from calibration.statistics import collect, sample_positions
from tests.calibration.networks import images, network


@pytest.fixture(scope="module")
def statistics():
    return collect(network(), torch.from_numpy(images(32)), seed=0)


def test_residual_chains_are_one_group():
    groups = linear_groups(network())
    assert ["first.project", "second.project", "second.add"] in groups
    assert all(len(group) == 1 for group in groups if "second.add" not in group)
    assert not any("pool" in group for group in groups)


def test_all_encodings_hold_what_the_integer_graph_demands(statistics):
    net = network()
    encodings = decide_encodings(net, statistics, (0.0, 1.0), Options())
    for layer in net.layers:
        encoding = encodings[layer.name]
        assert (encoding.unit > 0).all()
        if layer.relu6:
            assert encoding.zero_point == -128
            assert (encoding.step * 255 <= 6 * (1 + 1e-6)).all()
            assert not encoding.offset.any()
        if layer.kind == "add":
            left, right = (encodings[name] for name in layer.inputs)
            assert np.array_equal(left.unit, encoding.unit)
            assert np.array_equal(right.unit, encoding.unit)
            np.testing.assert_allclose(encoding.offset, left.offset + right.offset)
    assert encodings["pool"] is encodings["last"]
    assert set(encodings["classifier"].unit) == {1.0}
    assert not encodings["classifier"].offset.any()


def test_folding_scales_and_shifts_changes_no_output(statistics):
    """Layer by layer: decoded inputs through the float layer equal raw codes through the folded one."""
    net = network()
    encodings = decide_encodings(net, statistics, (0.0, 1.0), Options())
    rng = np.random.default_rng(0)
    for layer in net.layers:
        if not layer.weighted or layer.kind == "depthwise" or any(layer.padding):
            continue
        source, result = encodings[layer.inputs[0]], encodings[layer.name]
        weight, bias = folded_parameters(layer, source, result)
        codes = rng.integers(-100, 100, (len(source.unit), 7)).astype(np.float64)
        real = source.offset[:, None] + source.step[:, None] * codes
        own, own_bias = layer.parameters()
        expected = own.reshape(len(own), -1).astype(np.float64) @ real + own_bias[:, None]
        folded = weight.numpy() @ (codes * float(source.scale)) + bias.numpy()[:, None]
        np.testing.assert_allclose(
            result.offset[:, None] + result.unit[:, None] * folded, expected, rtol=1e-9, atol=1e-9
        )


def test_weights_with_fine_codes_are_the_float_network_again(statistics):
    """Units and offsets go into the weights and come out again: with 2^20 steps nothing is left of the detour."""
    net = network()
    encodings = decide_encodings(net, statistics, (0.0, 1.0), Options())
    weights = {}
    for layer in net.layers:
        if layer.weighted:
            source = encodings[layer.inputs[0]]
            folded, bias = folded_parameters(layer, source, encodings[layer.name])
            scale = folded.abs().amax(1).numpy() / 2**20
            codes = np.rint(folded.numpy() / scale[:, None]).reshape(layer.parameters()[0].shape)
            steps = np.rint(bias.numpy() / (scale * float(source.scale)))
            weights[layer.name] = QuantizedWeights(codes, scale, steps)
    inputs = torch.from_numpy(images(4, seed=5))
    again = with_real_weights(net, encodings, weights)
    expected, got = (forward(n, inputs)[net.output] for n in (net, again))
    assert float((expected - got).abs().max()) < 1e-3 * float(expected.abs().max())


@given(st.integers(1, 40), st.integers(1, 400))
def test_positions_lie_in_the_map_and_differ(count, elements):
    positions = sample_positions(count, elements, seed=1)
    assert positions.min() >= 0
    assert positions.max() < elements
    assert all(len(set(row)) == len(row) for row in positions.tolist())
    assert np.array_equal(positions, sample_positions(count, elements, seed=1))


def test_sensitivity_is_the_jacobians_power(monkeypatch):
    """For the classifier's input the Jacobian is the weight matrix itself."""
    monkeypatch.setattr(calibration.statistics, "CONTENTION", 0.0)
    net = network()
    seen = collect(net, torch.from_numpy(images(200)), seed=0).tensors["pool"]
    weight, _ = net.layer("classifier").parameters()
    np.testing.assert_allclose(seen.sensitivity, np.square(weight).sum(0), rtol=0.35)


def test_a_limit_without_outliers_is_the_maximum_and_an_outlier_nobody_needs_is_clipped():
    values = torch.linspace(0, 1, 1000)[None].repeat(2, 1)
    values[1, -1] = 1.6
    weights = torch.ones_like(values)
    weights[1, -1] = 0
    limits = one_sided_limits(values, weights, np.array([1.0, 1.6]))
    assert limits[0] == pytest.approx(1)
    assert limits[1] == pytest.approx(1, abs=0.04)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**16), st.floats(1.01, 3), st.floats(0.5, 6))
def test_doubt_widens_a_range_but_not_beyond_its_bound(seed, doubt, bound):
    rng = np.random.default_rng(seed)
    values = torch.from_numpy(np.minimum(rng.exponential(1, (3, 200)), bound))
    weights = torch.from_numpy(rng.exponential(1, (3, 200)))
    greatest = values.amax(1).numpy()
    sure = one_sided_limits(values, weights, greatest, bound=bound)
    doubtful = one_sided_limits(values, weights, greatest, doubt=doubt, bound=bound)
    step = 0.03 * doubt * greatest  # of the grid of clips
    assert (doubtful >= sure - step).all()
    assert (doubtful <= np.minimum(doubt * greatest, bound) + 1e-6).all()


def test_doubt_widens_a_range_to_the_full_where_rounding_costs_nothing():
    values, weights = torch.ones(1, 100), torch.ones(1, 100)
    assert one_sided_limits(values, weights, np.ones(1), 1e6, doubt=2.0).item() == pytest.approx(2, abs=0.01)


def test_a_dead_channel_has_limit_zero():
    assert one_sided_limits(torch.zeros(1, 5), torch.ones(1, 5), np.zeros(1)).tolist() == [0]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**16))
def test_balancing_is_no_worse_than_the_finest_or_one_step_for_all(seed):
    rng = np.random.default_rng(seed)
    channels, rows = 12, 7
    least = rng.lognormal(-5, 1, channels).clip(1e-4, 6 / 255)
    sensitivity = rng.lognormal(0, 1, channels)
    reader = Reader(
        np.abs(rng.normal(size=(rows, channels))), 1, rng.lognormal(0, 1, rows), rng.lognormal(0, 1, channels)
    )

    def noise(step: np.ndarray) -> float:
        return float((sensitivity * step**2).sum() / 12 + weight_noise(reader, torch.from_numpy(step)))

    step = balance_bounded([sensitivity], least, 6 / 255, [reader], 1.0)
    assert (step >= least * (1 - 1e-9)).all()
    assert (step <= 6 / 255 * (1 + 1e-9)).all()
    assert noise(step) <= min(noise(least), noise(np.full(channels, 6 / 255))) * (1 + 1e-9)


def test_a_group_with_one_wide_channel_is_made_even():
    high = np.array([1.0, 1.0, 1.0, 30.0])
    tensor = Written(np.ones(4), -high, high)
    unit = balance_group([tensor], [], 1.0)
    assert unit[3] > 5 * unit[0]
    assert np.median(unit) == pytest.approx(1)


def test_the_layer_where_most_is_lost_is_named():
    even = [LayerNoise(name, 30.0, None, None) for name in "abcdefgh"]
    assert dominating(even) is None
    found = dominating([*even, LayerNoise("bad", 22.0, None, None), LayerNoise("exact", None, None, None)])
    assert found is not None
    assert found.name == "bad"

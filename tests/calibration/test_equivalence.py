from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import calibration.equivalence
from calibration.calibrate import equivalence, quantize_network
from calibration.encoding import Encoding
from calibration.equivalence import check_equivalence
from calibration.network import Layer, Network
from calibration.options import Options
from calibration.range_report import relu6_ranges
from calibration.ranges import decide_encodings
from calibration.reconstruction import folded_parameters
from calibration.statistics import collect
from tests.calibration.networks import BOUNDS, images, network, no_images


def encodings_of(net: Network, seed: int = 1, **options: bool) -> dict[str, Encoding]:
    statistics = collect(net, torch.from_numpy(images(8, seed)), 0)
    return decide_encodings(net, statistics, (0.0, 1.0), Options(**options))


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**16))
def test_equalisation_leaves_the_float_network_as_it_was(seed):
    net = network(seed)
    found = check_equivalence(net, encodings_of(net, seed), torch.from_numpy(images(8, seed + 1)))
    assert found.samples == 8
    assert found.max_abs_diff <= found.bound
    assert found.max_diff_db is None or found.max_diff_db < -80


def test_without_equalisation_nothing_at_all_differs_but_rounding():
    net = network()
    found = check_equivalence(net, encodings_of(net, equalise=False, centre=False), torch.from_numpy(images(8)))
    assert found.max_abs_diff == pytest.approx(found.float32_error)


@pytest.mark.parametrize("part", ["unit", "offset"])
@pytest.mark.parametrize("reader", ["third.expand", "last"])
def test_a_scale_or_shift_that_the_reader_lacks_is_refused(monkeypatch, reader, part):
    net = network()

    def forgetful(layer: Layer, source: Encoding, result: Encoding) -> tuple[torch.Tensor, torch.Tensor]:
        if layer.name == reader:
            # One channel, by a thousandth of its unit: what a float32 network would take for rounding is far less.
            changed = getattr(source, part).copy()
            changed[0] += 1e-3 * source.unit[0]
            source = replace(source, **{part: changed})
        return folded_parameters(layer, source, result)

    encodings = encodings_of(net)
    monkeypatch.setattr(calibration.equivalence, "folded_parameters", forgetful)
    with pytest.raises(ValueError, match="equalisation changed the float network: logits differ by up to"):
        check_equivalence(net, encodings, torch.from_numpy(images(8)))


def test_the_result_of_a_quantisation_can_be_checked():
    net = network()
    result = quantize_network(net, images(64), no_images(), BOUNDS, Options())
    found = equivalence(net, result, images(4, seed=9))
    assert found.samples == 4
    assert set(found.as_json()) == {"samples", "max_abs_diff", "max_diff_db", "float32_error", "bound"}


def test_relu6_ranges_are_those_of_the_channels_and_none_passes_six():
    net = network()
    encodings = encodings_of(net)
    ranges = relu6_ranges(net, encodings)
    assert [limits.name for limits in ranges] == [layer.name for layer in net.layers if layer.relu6]
    for limits in ranges:
        encoding = encodings[limits.name]
        assert limits.r == pytest.approx(float(encoding.scale) * 255)
        assert 0 < limits.least <= limits.median <= 6
        assert limits.median <= limits.r * encoding.unit.max()
        assert limits.r <= 6


@pytest.mark.parametrize("clip", [True, False])
def test_a_shared_range_gives_a_residual_chain_one_scale_and_loses_no_value_that_had_a_code(clip):
    net = network()
    chain = ["first.project", "second.project", "second.add"]
    alone = encodings_of(net, clip=clip)
    shared = encodings_of(net, clip=clip, share_chain=True)
    assert len({shared[name].scale for name in chain}) == 1
    assert shared["second.add"].scale in {alone[name].scale for name in chain}
    assert all(shared[name].scale == alone[name].scale for name in alone if name not in chain)
    for name in chain:
        if shared[name].scale >= alone[name].scale:
            low = [float(e.scale) * (-128 - e.zero_point) for e in (shared[name], alone[name])]
            assert low[0] <= low[1] + float(shared[name].scale)
    assert np.array_equal(shared["second.add"].unit, alone["second.add"].unit)

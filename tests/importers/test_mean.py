"""MEAN's replacement against an exhaustive list of sums, and MEAN's own arithmetic against LiteRT's kernel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.graph.fixed_point import multiply_by_quantized_multiplier, quantize_multiplier
from pipeline.importers.mean import Mean, as_convolution, is_average_pool
from tests.backends.litert.kernels import REFERENCE, load
from tests.importers.files import Network

SCALES = st.floats(0.001, 0.1).map(lambda x: float(np.float32(x)))


def expected(mean: Mean, centred: np.ndarray) -> np.ndarray:
    """TensorFlow Lite's MEAN of the sums of codes less zero points, written down from its definition."""
    multiplier, shift = (int(x) for x in quantize_multiplier(np.float64(mean.scale[0]) / np.float64(mean.scale[1])))
    bits = min(int(np.log2(mean.elements)), 32, 31 + shift)
    codes = multiply_by_quantized_multiplier(centred, (multiplier << bits) // mean.elements, shift - bits)
    return np.clip(codes + mean.zero_point[1], -128, 127)


def sums(mean: Mean) -> np.ndarray:
    """Every sum that the elements can have."""
    zero_point = mean.zero_point[0]
    return np.arange(mean.elements * (-128 - zero_point), mean.elements * (127 - zero_point) + 1)


def convolved(mean: Mean, centred: np.ndarray) -> np.ndarray | None:
    found = as_convolution(mean)
    if found is None:
        return None
    factor = np.float64(mean.scale[0]) * np.float64(np.float32(found.weight_scale)) / np.float64(mean.scale[1])
    accumulator = centred * found.weight + found.bias
    codes = multiply_by_quantized_multiplier(accumulator, *quantize_multiplier(factor)) + mean.zero_point[1]
    return np.clip(codes, -128, 127)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([1, 2, 4, 6, 9, 15, 16, 25, 49, 64]), SCALES, SCALES, st.sampled_from([-128, -3, 40]))
def test_a_convolution_that_is_found_gives_the_same_code_for_every_sum(elements, first, second, zero_point):
    mean = Mean(elements, (first, second), (zero_point, -128))
    every = sums(mean)
    codes = convolved(mean, every)
    if codes is not None:
        np.testing.assert_array_equal(codes, expected(mean, every))


@pytest.mark.parametrize("elements", [1, 4, 9, 16, 49, 64])
def test_after_relu_one_is_nearly_always_found(elements):
    rng = np.random.default_rng(elements)
    pairs = [np.float32(rng.uniform(0.001, 0.1)) * np.array([1, rng.uniform(0.1, 1.2)], np.float32) for _ in range(60)]
    found = [as_convolution(Mean(elements, (float(a), float(b)), (-128, -128))) is not None for a, b in pairs]
    assert sum(found) >= 57


@pytest.mark.parametrize("elements", [1, 2, 4, 9, 16, 49])
@pytest.mark.parametrize("zero_point", [-128, -1, 0, 5])
def test_average_pooling_is_chosen_exactly_where_it_is_equal(elements, zero_point):
    mean = Mean(elements, (0.02, 0.02), (zero_point, zero_point))
    total = sums(mean) + elements * zero_point
    nudged = total + np.where(total > 0, elements // 2, -(elements // 2))
    pooled = np.sign(nudged) * (np.abs(nudged) // elements)
    assert is_average_pool(mean) == bool((pooled == expected(mean, sums(mean))).all())


def test_average_pooling_is_equal_for_single_elements_and_differs_for_some_others():
    chosen = [is_average_pool(Mean(n, (0.02, 0.02), (-128, -128))) for n in (1, 4, 9, 49)]
    assert chosen[0]
    assert not all(chosen)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(
    ("size", "scale", "zero_point"), [((7, 7), 0.0095, -128), ((2, 3), 0.03, 17), ((1, 5), 0.1, 0)]
)
def test_the_definition_is_what_litert_computes(size, scale, zero_point, keep):
    network = Network()
    channels = 3000
    network.int8_input((1, *size, channels), 0.0229, -90)
    network.mean(scale, zero_point, keep=keep)
    rng = np.random.default_rng(1)
    codes = np.clip(rng.normal(rng.uniform(-128, 128, channels), 9, (1, *size, channels)), -128, 127).astype(np.int8)
    interpreter = load(network.finish(), REFERENCE)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], codes)
    interpreter.invoke()
    result = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).reshape(-1)
    scales = (float(np.float32(0.0229)), float(np.float32(scale)))
    mean = Mean(size[0] * size[1], scales, (-90, zero_point))
    centred = codes.astype(np.int64).sum(axis=(0, 1, 2)) + 90 * mean.elements
    np.testing.assert_array_equal(result, expected(mean, centred))

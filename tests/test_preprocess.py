"""The pixel tables against the arithmetic they stand for, and against ONNX Runtime's QuantizeLinear."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from pipeline.errors import SixfoldError
from pipeline.preprocess import Normalization, input_range, normalise, pixel_table, quantize_pixels

IMAGENET = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
EVERY_PIXEL = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)

statistics = st.floats(-2, 2, allow_nan=False, width=32)
deviations = st.floats(0.015625, 4, allow_nan=False, width=32)


def test_normalise_is_nchw_and_per_channel() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    result = normalise(images, IMAGENET)
    assert result.shape == (2, 3, 5, 7)
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    expected = (images / 255 - np.array(IMAGENET.mean)) / np.array(IMAGENET.std)
    np.testing.assert_allclose(result, expected.transpose(0, 3, 1, 2), rtol=1e-6, atol=1e-7)


def test_mean_zero_std_one_makes_the_code_the_pixel_minus_128() -> None:
    codes = quantize_pixels(EVERY_PIXEL, Normalization((0.0,), (1.0,)), 1 / 255, -128)
    np.testing.assert_array_equal(codes.reshape(-1), np.arange(256) - 128)


@given(mean=statistics, std=deviations)
def test_input_range_is_reached_and_never_left(mean: float, std: float) -> None:
    normalization = Normalization((mean, 0.5), (std, 1.0))
    low, high = input_range(normalization)
    values = normalise(np.concatenate([EVERY_PIXEL, EVERY_PIXEL], axis=3), normalization)
    assert (values.min(), values.max()) == (np.float32(low), np.float32(high))


def _quantize_linear(scale: float, zero_point: int) -> ort.InferenceSession:
    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"])],
        "quantize",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.INT8, [1, 1, 16, 16])],
        [
            helper.make_tensor("scale", TensorProto.FLOAT, [], [scale]),
            helper.make_tensor("zero", TensorProto.INT8, [], [zero_point]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@settings(max_examples=60, deadline=None)
@given(mean=statistics, std=deviations, scale=st.floats(2**-20, 2.0, width=32), zero=st.integers(-128, 127))
def test_quantize_pixels_is_quantize_linear_bit_for_bit(mean: float, std: float, scale: float, zero: int) -> None:
    normalization = Normalization((mean,), (std,))
    (expected,) = _quantize_linear(scale, zero).run(None, {"x": normalise(EVERY_PIXEL, normalization)})
    ours = quantize_pixels(EVERY_PIXEL, normalization, scale, zero)
    np.testing.assert_array_equal(ours, expected.transpose(0, 2, 3, 1))


def test_halves_round_to_even() -> None:
    # 255 codes of 2/255: every odd pixel lies exactly half way.
    codes = quantize_pixels(EVERY_PIXEL, Normalization((0.0,), (1 / 255,)), 2.0, 0)
    np.testing.assert_array_equal(codes.reshape(-1)[:6], [0, 0, 1, 2, 2, 2])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((1, 4, 4, 1), np.uint8), r"shape \(1, 4, 4, 1\)"),
        (np.zeros((4, 4, 3), np.uint8), r"expected uint8 \(N, height, width, 3\)"),
        (np.zeros((1, 4, 4, 3), np.float32), "type float32"),
    ],
)
def test_wrong_images_are_refused(images: np.ndarray, message: str) -> None:
    with pytest.raises(SixfoldError, match=message):
        normalise(images, IMAGENET)


@pytest.mark.parametrize(
    ("mean", "std"), [((), ()), ((0.0,), (1.0, 1.0)), ((0.0,), (0.0,)), ((float("nan"),), (1.0,)), ((0.0,), (-1.0,))]
)
def test_wrong_statistics_are_refused(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    with pytest.raises(SixfoldError, match="normalisation"):
        Normalization(mean, std)


@pytest.mark.parametrize(("scale", "zero_point"), [(0.0, 0), (-1.0, 0), (float("inf"), 0), (1.0, 128), (1.0, -129)])
def test_wrong_quantisation_is_refused(scale: float, zero_point: int) -> None:
    with pytest.raises(SixfoldError, match="input (scale|zero point)"):
        quantize_pixels(EVERY_PIXEL, Normalization((0.0,), (1.0,)), scale, zero_point)


def test_the_table_is_rounded_once() -> None:
    exact = (np.arange(256) / 255 - 0.485) / 0.229
    np.testing.assert_array_equal(pixel_table(IMAGENET)[0], exact.astype(np.float32))

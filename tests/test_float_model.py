import numpy as np
import onnx
import onnx.reference
import pytest

from pipeline.errors import SixfoldError
from pipeline.float_model import float_logits
from pipeline.preprocess import Normalization
from tests.onnx_models import float_model

NORMALIZATION = Normalization((0.0,) * 3, (1.0,) * 3)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(float_model(0).SerializeToString())
    return file


def test_images_are_normalised_and_scored_one_by_one(path):
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    logits = float_logits(path, images, NORMALIZATION)
    planar = images[1].transpose(2, 0, 1)[np.newaxis].astype(np.float32) / 255
    expected = onnx.reference.ReferenceEvaluator(onnx.load(path)).run(None, {"input": planar})[0]
    assert logits.shape == (3, 5)
    np.testing.assert_allclose(logits[1], expected[0], rtol=1e-4, atol=1e-5)


def test_images_of_another_size_are_refused_with_both_shapes(path):
    with pytest.raises(SixfoldError, match=r"model\.onnx: takes \[1, 3, 16, 16\], the images are \[1, 3, 8, 8\]"):
        float_logits(path, np.zeros((1, 8, 8, 3), np.uint8), NORMALIZATION)


def test_a_truncated_model_is_one_line(path):
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SixfoldError, match=r"model\.onnx: ONNX Runtime cannot load it") as error:
        float_logits(path, np.zeros((1, 16, 16, 3), np.uint8), NORMALIZATION)
    assert "\n" not in str(error.value)

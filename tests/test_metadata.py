import pytest

from pipeline.errors import SixfoldError
from pipeline.metadata import read_labels, read_normalization
from pipeline.preprocess import Normalization

GOOD = {"sixfold.mean": "[0.5, 0, 1]", "sixfold.std": "[1, 2, 3]", "sixfold.labels": '["cat", "dog"]'}


def test_what_the_model_file_says_is_read():
    assert read_normalization(GOOD, "m.onnx") == Normalization((0.5, 0.0, 1.0), (1.0, 2.0, 3.0))
    assert read_labels(GOOD, "m.onnx") == ["cat", "dog"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sixfold.mean", None),
        ("sixfold.mean", "[0.5"),
        ("sixfold.mean", "0.5"),
        ("sixfold.mean", '["a", 1, 2]'),
        ("sixfold.std", "[1]"),
        ("sixfold.std", "[1, 0, 1]"),
        ("sixfold.labels", "[1, 2]"),
    ],
)
def test_damaged_metadata_is_one_line_with_file_and_key(key, value):
    metadata = {k: v for k, v in (GOOD | {key: value}).items() if v is not None}
    with pytest.raises(SixfoldError, match=rf"^m\.onnx: metadata .*{key}") as error:
        read_labels(metadata, "m.onnx") if key == "sixfold.labels" else read_normalization(metadata, "m.onnx")
    assert "\n" not in str(error.value)

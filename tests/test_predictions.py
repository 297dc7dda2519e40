"""Predictions of a report: what was packed is what is read, and what is no record is one line."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SixfoldError
from pipeline.predictions import Predictions, digest
from pipeline.predictions_record import PredictionsRecord
from pipeline.validation import validate

HASH = "0f" * 32


@st.composite
def predictions(draw) -> Predictions:
    images = draw(st.integers(1, 300))
    scored = np.array(sorted(draw(st.sets(st.integers(0, images - 1), min_size=1))))
    classes = draw(st.lists(st.integers(0, 2**16 - 1), min_size=len(scored), max_size=len(scored)))
    labels = np.array(classes)[::-1].copy() if draw(st.booleans()) else None
    return Predictions(HASH, images, scored, np.array(classes), labels)


@given(predictions())
def test_what_was_packed_is_what_is_read(made):
    text = json.dumps(made.record().model_dump())
    read = Predictions.read(validate(PredictionsRecord, json.loads(text), "test"), "test")
    assert (read.images_sha256, read.images) == (made.images_sha256, made.images)
    for name in ("scored", "classes", "labels"):
        assert np.array_equal(getattr(read, name), getattr(made, name)) or getattr(made, name) is None, name
    assert (read.labels is None) == (made.labels is None)


def test_all_of_a_thousand_images_take_less_than_six_kilobytes():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 1000, 1000)
    record = Predictions(HASH, 1000, np.arange(1000), classes, classes).record()
    assert record.scored is None
    assert len(record.model_dump_json()) < 6000


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": ["AAA"]},
        {"classes": ["not base64"]},
        {"classes": ["AA=="]},
        {"classes": ["AAAA"]},
        {"labels": ["AAAA"]},
        {"scored": ["AAAAAAAAAAA="]},
        {"scored": ["AQAAAAkAAAA="]},
    ],
)
def test_a_damaged_record_is_one_line(changes):
    good = {"images_sha256": HASH, "images": 9, "scored": ["AQAAAAIAAAA="], "classes": ["AAABAA=="], "labels": None}
    Predictions.read(validate(PredictionsRecord, good, "file"), "file: predictions")
    with pytest.raises(SixfoldError, match=r"^file: predictions: .*; verify again$"):
        Predictions.read(validate(PredictionsRecord, good | changes, "file"), "file: predictions")


def test_the_hash_tells_images_labels_and_shapes_apart():
    images, labels = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3), np.array([1])
    other = images.copy()
    other[0, 0, 0, 0] ^= 1
    made = [(images, labels), (other, labels), (images, labels + 1), (images.reshape(1, 4, 1, 3), labels)]
    assert len({digest(*arrays) for arrays in made}) == 4
    assert digest(images, labels) == digest(images[:, :, :], labels.copy())

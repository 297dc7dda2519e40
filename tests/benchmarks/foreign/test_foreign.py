"""Real files of others: what the documentation says of them."""

import pytest

from benchmarks.foreign.files import FILES
from benchmarks.foreign.measure import measure_file
from benchmarks.foreign.results import Difference
from pipeline.report.format import grouped


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES[:3])
def test_a_real_file_equals_litert_up_to_the_classifier_and_tflm_to_the_end(path):
    row = measure_file(path, samples=3)
    assert row.litert_tensors.mismatched == 0
    assert row.litert_tensors.compared > 100_000
    assert row.litert_logits.max_lsb <= 1
    assert row.tflm_logits.mismatched == 0


def test_a_difference_in_words():
    assert str(Difference(compared=2000, mismatched=0, max_lsb=0)) == f"equal ({grouped(2000)})"
    assert str(Difference(compared=2000, mismatched=3, max_lsb=1)) == f"3 of {grouped(2000)} differ, at most 1 LSB"

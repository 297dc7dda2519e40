import numpy as np
import pytest

from pipeline import parity
from pipeline.errors import SixfoldError
from pipeline.graph.reference import execute_operator
from pipeline.parity import Parity, compare
from tests.graph.graphs import random_inputs, small_mobilenet

CODES = np.array([[1, 2, 3], [4, 5, -128]], np.int8)


def test_equal_outputs_are_parity():
    assert compare(CODES, CODES, "fixed-point") == Parity("fixed-point", 2, 6, 0, 0)


def test_every_differing_code_is_counted_and_the_largest_difference_kept():
    other = CODES.copy()
    other[0, 1] += 1
    other[1, 2] = 127  # 255 apart: must not wrap
    assert compare(other, CODES, "float") == Parity("float", 2, 6, 2, 255)


def test_another_shape_is_refused():
    with pytest.raises(SixfoldError, match=r"returned \(2, 2\), the reference \(2, 3\)"):
        compare(CODES[:, :2], CODES, "float")


class Broken:
    """A runtime whose addition is one step too high."""

    @staticmethod
    def run_operator(graph, operator, inputs):
        outputs = execute_operator(graph, operator, list(inputs), "float")
        return np.where(outputs < 127, outputs + 1, outputs) if operator.name.startswith("add") else outputs


def test_the_operator_that_differs_is_named():
    graph = small_mobilenet(0)
    rows = parity.operator_parity(Broken(), graph, random_inputs(graph, 2, 0))
    assert [row.name for row in rows if row.mismatched] == ["add6"]
    assert {row.max_lsb for row in rows} == {0, 1}
    assert len(rows) == len(graph.operators)


def test_a_runtime_that_does_not_fuse_is_not_taken_apart():
    graph = small_mobilenet(0)
    assert parity.operator_parity(object(), graph, random_inputs(graph, 1, 0)) is None

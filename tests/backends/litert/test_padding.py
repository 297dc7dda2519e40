import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.backends.litert.padding import same_padding, zero_border
from pipeline.graph.ir import Padding

sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


@given(sizes, st.integers(1, 7), st.integers(1, 4))
def test_same_padding_is_the_least_that_gives_one_output_for_each_step(size, kernel, stride):
    padding = same_padding(size, (kernel, kernel), (stride, stride))
    for length, before, after in ((size[0], padding.top, padding.bottom), (size[1], padding.left, padding.right)):
        steps = len(range(0, length, stride))
        assert after - before in (0, 1)
        assert (length + before + after - kernel) // stride + 1 >= steps
        assert before + after == 0 or (length + before + after - kernel) / stride + 1 == steps


def test_a_3x3_kernel_at_stride_2_becomes_4x4_on_an_even_size():
    assert zero_border((16, 17), (3, 3), (2, 2), Padding(1, 1, 1, 1)) == Padding(bottom=1)


@given(st.integers(1, 30), st.integers(1, 7), st.integers(1, 4), st.integers(0, 6), st.integers(0, 6))
def test_with_its_border_a_kernel_reads_the_same_rows(size, kernel, stride, before, after):
    rows = (size + before + after - kernel) // stride + 1
    border = zero_border((size, 1), (kernel, 1), (stride, 1), Padding(top=before, bottom=after))
    steps = -(-size // stride)
    if border is None:
        # Refused only where SAME has another number of outputs, or starts where no kernel can reach.
        larger = [same_padding((size, 1), (kernel + n, 1), (stride, 1)).top - before for n in range(100)]
        assert rows != steps or not any(0 <= first <= n for n, first in enumerate(larger))
        return
    assert rows == steps
    source, weights = np.random.default_rng(0).integers(-9, 9, size), np.arange(1, kernel + 1)
    wide = np.pad(weights, (border.top, border.bottom))
    same = same_padding((size, 1), (len(wide), 1), (stride, 1))

    def convolved(values, taps):
        return [int(values[start : start + len(taps)] @ taps) for start in range(0, steps * stride, stride)]

    padded = np.pad(source, (before, after))
    assert convolved(np.pad(source, (same.top, same.bottom)), wide) == convolved(padded, weights)

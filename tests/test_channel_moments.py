import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.channel_moments import ChannelMoments, decode_moments, encode_moments

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(st.data(), st.integers(1, 40))
def test_what_is_written_is_read_to_the_bit(data, channels):
    mean = data.draw(arrays(np.float32, channels, elements=FINITE))
    deviation = np.abs(data.draw(arrays(np.float32, channels, elements=FINITE)))
    read = decode_moments(encode_moments(ChannelMoments(mean, deviation)), channels)
    assert read.mean.tobytes() == mean.tobytes()
    assert read.deviation.tobytes() == deviation.tobytes()
    assert (read.mean.dtype, read.deviation.dtype) == (np.float32, np.float32)


def text_of(*values: float) -> str:
    return base64.b64encode(np.array(values, "<f4").tobytes()).decode()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("not base64!", "is not base64"),
        ("é", "is not base64"),
        ("", "0 bytes, not 8 for each of 1 channels"),
        (text_of(1, 2, 3, 4), "16 bytes"),
        (text_of(np.nan, 1), "not finite"),
        (text_of(0, np.inf), "not finite"),
        (text_of(0, -1), "below zero"),
    ],
)
def test_what_is_damaged_is_refused(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        decode_moments(text, 1)

"""The order of weights: against a plain loop, and against Arm's own encoder (slow)."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.backends.ethos_u.vela import ENVIRONMENT
from pipeline.errors import SixfoldError
from pipeline.runners.ethos_u.model.weights import WeightLayout, arrange
from pipeline.tool_process import run_worker

WORKER = Path(__file__).with_name("encode_worker.py")


@st.composite
def layouts(draw: st.DrawFn) -> WeightLayout:
    depthwise = draw(st.booleans())
    return WeightLayout(
        kernel=(draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        inputs=1 if depthwise else draw(st.integers(1, 70)),
        outputs=draw(st.integers(1, 40)),
        block=draw(st.sampled_from([8, 16, 24, 48])),
        depthwise=depthwise,
        part_kernel=not depthwise and draw(st.booleans()),
    )


def weights_of(layout: WeightLayout, seed: int) -> np.ndarray:
    shape = (layout.outputs, *layout.kernel, layout.inputs)
    return np.random.default_rng(seed).integers(-127, 128, shape).astype(np.int16)


def stream_of(weights: np.ndarray, layout: WeightLayout) -> np.ndarray:
    """The order as nested loops, one weight at a time."""
    outputs, height, width, inputs = weights.shape
    elements = height * width
    rounded = -(-elements // 4) * 4 if layout.depthwise or layout.part_kernel else elements
    step = 16 if layout.part_kernel else 32
    stream = []
    for block, start in itertools.product(range(0, outputs, layout.block), range(0, inputs, step)):
        last = min(block + layout.block, -(-outputs // 8) * 8)
        lanes = 1 if layout.depthwise else 8
        end = 1 if layout.depthwise else start + step
        if layout.part_kernel:
            end = min(end, -(-inputs // 8) * 8)
        micro_inputs, micro_outputs = range(start, end, lanes), range(block, last, 8)
        outer = micro_inputs if layout.part_kernel else [None]
        for first_input, first_output, element in itertools.product(outer, micro_outputs, range(rounded)):
            inner = micro_inputs if first_input is None else [first_input]
            for source, output, lane in itertools.product(inner, range(8), range(lanes)):
                i, o = source + lane, first_output + output
                real = i < inputs and o < outputs and element < elements
                stream.append(int(weights[o, element // width, element % width, i]) if real else 0)
    return np.array(stream, np.int16)


@given(layouts(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_the_order_is_undone(layout: WeightLayout, seed: int) -> None:
    weights = weights_of(layout, seed)
    np.testing.assert_array_equal(arrange(stream_of(weights, layout), layout), weights)


def test_a_stream_of_another_order_is_refused() -> None:
    layout = WeightLayout((1, 1), 3, 5, 8, depthwise=False, part_kernel=False)
    stream = stream_of(weights_of(layout, 0), layout)
    with pytest.raises(SixfoldError, match="255 in the stream, 256 expected"):
        arrange(stream[1:], layout)
    with pytest.raises(SixfoldError, match="not in the order that is modelled"):
        arrange(np.roll(stream, 1) | 1, layout)
    with pytest.raises(SixfoldError, match="not in the order that is modelled"):
        arrange(np.append(stream, np.int16(1)), layout)


@pytest.mark.slow
def test_arms_encoder_uses_this_order() -> None:
    cases = {
        "first": WeightLayout((3, 3), 3, 16, 16, depthwise=False, part_kernel=True),
        "narrow": WeightLayout((1, 1), 24, 41, 16, depthwise=False, part_kernel=True),
        "wide": WeightLayout((1, 1), 96, 24, 8, depthwise=False, part_kernel=False),
        "kernel": WeightLayout((3, 2), 64, 20, 16, depthwise=False, part_kernel=False),
        "depthwise": WeightLayout((3, 3), 1, 40, 16, depthwise=True, part_kernel=False),
    }
    weights = {name: weights_of(layout, seed) for seed, (name, layout) in enumerate(cases.items())}
    request = {name: vars(layout) for name, layout in cases.items()}
    _, streams = run_worker(ENVIRONMENT, WORKER, request, weights, time_limit_s=60)
    for name, layout in cases.items():
        np.testing.assert_array_equal(arrange(streams[name], layout), weights[name], err_msg=name)

"""The forms of constants of the DSP build: which numbers get which, and that the rare one computes the same."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.backends.cortex_m.streaming.layout import Packed, Requantization
from pipeline.backends.cortex_m.streaming.layouts import dsp
from pipeline.backends.cortex_m.streaming.layouts.dsp import LAYOUT, DspLayout
from pipeline.graph.ir import Int8Array
from tests.firmware.streaming_cases import block_case
from tests.firmware.streaming_peer import run_on_board

EXACT, SCALED, PLAIN = range(3)


def numbers(weight: Int8Array, bias: int = 0, multiplier: int = 2**30, shift: int = -8) -> Requantization:
    channels = len(weight)
    magnitude = np.abs(bias) + 128 * np.abs(weight.astype(np.int64)).sum(axis=1)
    biases, multipliers, shifts = (np.full(channels, value, np.int32) for value in (bias, multiplier, shift))
    return Requantization(biases, multipliers, shifts, -128, magnitude)


def form(packed: Packed) -> int:
    return int(packed.words[0])


WEIGHT = np.full((4, 8), 100, np.int8)


@pytest.mark.parametrize(
    ("weight", "changes", "expected"),
    [
        (WEIGHT, {}, SCALED),
        (WEIGHT, {"shift": -14, "bias": 2**21}, SCALED),
        (WEIGHT, {"shift": -17, "bias": 2**21}, PLAIN),  # 256 times the rounding term leaves int32
        (WEIGHT, {"shift": -30}, SCALED),  # vanishes: no shift at all
        (WEIGHT, {"shift": 0}, SCALED),
        (WEIGHT, {"shift": 1}, EXACT),
        (WEIGHT, {"bias": 2**22}, EXACT),  # 512 times the second channel's sum leaves int32
        (WEIGHT[:3], {}, EXACT),
        (np.array([[-128], [127]], np.int8), {}, SCALED),
        (np.array([[127], [-128]], np.int8), {}, SCALED),
        (np.array([[-1], [-128]], np.int8), {}, EXACT),  # 256 * -128 - 1 is no int16
    ],
)
def test_forms_of_an_expansion(weight: Int8Array, changes: dict[str, int], expected: int) -> None:
    packed = LAYOUT.pack_pointwise(weight, numbers(weight, **changes), expands=True)
    assert form(packed) == expected
    assert packed.saturates == (expected != EXACT)


@pytest.mark.parametrize(
    ("changes", "expected"), [({}, PLAIN), ({"shift": 0}, EXACT), ({"bias": 2**22}, PLAIN), ({"bias": 2**23}, EXACT)]
)
def test_forms_of_a_projection(changes: dict[str, int], expected: int) -> None:
    assert form(LAYOUT.pack_pointwise(WEIGHT, numbers(WEIGHT, **changes), expands=False)) == expected


class _Recording(DspLayout):
    """Notes the forms of expansions."""

    def __init__(self) -> None:
        self.forms: list[int] = []

    def pack_pointwise(self, weight: Int8Array, requantization: Requantization, *, expands: bool) -> Packed:
        packed = super().pack_pointwise(weight, requantization, expands=expands)
        if expands:
            self.forms.append(form(packed))
        return packed


@pytest.mark.slow
@pytest.mark.parametrize("scales", [True, False])
def test_both_fast_forms_compute_the_same(scales: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not scales:
        monkeypatch.setattr(dsp._Fast, "scales", False)
    layout = _Recording()
    cases = [block_case(seed, layout) for seed in range(1000, 1150)]
    chosen = [case for case, kind in zip(cases, layout.forms, strict=True) if kind == (SCALED if scales else PLAIN)]
    assert len(chosen) >= 15
    answers = run_on_board("cortex-m4", chosen, tmp_path)
    assert [case.text for case, answer in zip(chosen, answers, strict=True) if answer != case.answer] == []

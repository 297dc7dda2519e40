"""The requantisations of the Helium build: which numbers get which, and that the longer ones compute the same."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.backends.cortex_m.streaming.layout import Requantization
from pipeline.backends.cortex_m.streaming.layouts import mve
from pipeline.backends.cortex_m.streaming.layouts.mve import LAYOUT
from tests.firmware.streaming_cases import Case, block_case
from tests.firmware.streaming_peer import run_on_board

SATURATING, ROUNDING, EXACT = range(3)
WEIGHT = np.arange(3 * 20, dtype=np.int8).reshape(3, 20)
PAIR_BYTES = 2 * 2 * 16  # two chunks of two outputs


def numbers(zero_point: int, *shifts: int) -> Requantization:
    shift = np.array(shifts, np.int32)
    columns = (np.full_like(shift, value) for value in (1000, 2**30))
    return Requantization(*columns, shift, zero_point, np.full(len(shift), 10**6))


@pytest.mark.parametrize(
    ("zero_point", "shifts", "expected"),
    [
        (-128, (-7, -1, 0), SATURATING),
        (-128, (-7, -24, -1), SATURATING),
        (-128, (-7, -25, -1), EXACT),  # the term would leave int32
        (-128, (-7, 1, -1), EXACT),
        (-127, (-24, -7, -1), ROUNDING),
        (127, (-24, -7, -1), ROUNDING),
        (127, (-25, -7, -1), EXACT),
        (-127, (-7, -1, 0), EXACT),  # lowered by one, a negative value that is not shifted would be wrong
    ],
)
def test_requantisation_of_a_product(zero_point: int, shifts: tuple[int, ...], expected: int) -> None:
    packed = LAYOUT.pack_pointwise(WEIGHT, numbers(zero_point, *shifts), expands=True)
    assert packed.words[0] == expected
    assert packed.saturates == (expected == SATURATING)
    words_of_numbers = 12 if expected == EXACT else 8
    assert len(packed.words) == 1 + 2 * (PAIR_BYTES // 4 + words_of_numbers)


def test_an_odd_output_is_paired_with_itself() -> None:
    packed = LAYOUT.pack_pointwise(WEIGHT, numbers(3, -1, -2, -3), expands=False).words[1:].reshape(2, -1)
    weights = packed[1, : PAIR_BYTES // 4].view(np.int8).reshape(2, 2, 16)
    assert weights[0].tolist() == [WEIGHT[2, :16].tolist()] * 2
    assert weights[1].tolist() == [[*WEIGHT[2, 16:].tolist(), *[0] * 12]] * 2


def test_taps_turn_with_the_slot_of_the_upper_row() -> None:
    weight = np.arange(9, dtype=np.int8).reshape(3, 3, 1)  # row by row
    record = LAYOUT.pack_depthwise(weight, numbers(-128, -7)).words.view(np.int8)
    turns = record[16:43].reshape(3, 3, 3)  # upper slot, column, slot
    assert turns.tolist() == [
        [[0, 3, 6], [1, 4, 7], [2, 5, 8]],
        [[6, 0, 3], [7, 1, 4], [8, 2, 5]],
        [[3, 6, 0], [4, 7, 1], [5, 8, 2]],
    ]


@pytest.mark.slow
def test_the_longer_requantisations_compute_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shortest = mve._kind
    cases: list[Case] = []
    for most in (ROUNDING, EXACT):

        def longer(given: Requantization, least: int = most) -> int:
            # Rounding is no substitute where a shift is zero: that stays as it is.
            can_round = bool((given.shift < 0).all())
            return max(shortest(given), least) if least == EXACT or can_round else shortest(given)

        monkeypatch.setattr(mve, "_kind", longer)
        cases += [block_case(1000 + seed, LAYOUT) for seed in range(60)]
    answers = run_on_board("cortex-m55", cases, tmp_path)
    assert [case.text for case, answer in zip(cases, answers, strict=True) if answer != case.answer] == []

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report import format as formats
from pipeline.report.chain import parity_sentence
from pipeline.report.schema import Latency, Parity, TargetReport


@pytest.mark.parametrize("write", [formats.percent, formats.points, formats.interval, formats.size, formats.decibels])
def test_unknown_is_a_dash_never_a_zero(write) -> None:
    assert write(None) == formats.UNKNOWN
    assert formats.latency(Latency()) == formats.parity(Parity()) == formats.grouped(None) == formats.UNKNOWN


def test_points_carry_a_sign_and_nothing_has_none() -> None:
    assert formats.points(0.0012) == "+0.12"
    assert formats.points(-0.002) == "\u22120.20"
    assert formats.points(0.000001) == formats.points(-0.000001) == "0.00"
    assert formats.interval((-0.001, 0.004)) == "\u22120.10 to +0.40"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1234, "1.2 KiB"), (4 * 1024**2, "4 MiB")]
)
def test_sizes(count: int, text: str) -> None:
    assert formats.size(count).replace("\u00a0", " ") == text


@given(st.integers(0, 2**40))
def test_a_size_is_right_within_its_last_digit(count: int) -> None:
    number, unit = formats.size(count).split("\u00a0")
    factor = {"B": 1, "KiB": 1024, "MiB": 1024**2}[unit]
    assert abs(Fraction(number) * factor - count) <= Fraction(factor, 20)


def test_instructions_are_not_called_time() -> None:
    cost = Latency(kind="instructions", unit="instructions", value=54321987.0)
    written = formats.qualified_latency(cost)
    assert written.replace("\u202f", " ").replace("\u00a0", " ") == "54 321 987 instructions"
    modelled = Latency(kind="modelled", unit="ms", value=1.5)
    assert formats.qualified_latency(modelled) == "1.5\u00a0ms, modelled"


def test_what_nothing_executed_is_not_run_whatever_else_is_known() -> None:
    report = TargetReport.model_validate({"target": "npu", "parity": None, "details": {"not_run": "no model"}})
    assert formats.reported_parity(report) == "not run"
    assert parity_sentence(report) == "not run: no model"
    known = TargetReport.model_validate({"target": "npu", "parity": {"elements": 9, "mismatched": 0}})
    assert formats.reported_parity(known) == "exact (0 of 9)"


def test_parity() -> None:
    assert formats.parity(Parity(elements=320, mismatched=0)) == "exact (0 of 320)"
    assert formats.parity(Parity(elements=320, mismatched=3, max_lsb=2)) == "3 of 320 differ, at most 2 LSB"

"""The real boards' firmware from reset to its greeting, against models of the registers that a start-up touches.

Models and drivers have the same author: what these tests show is that the drivers do what he read in the manuals.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from pipeline.backends.cortex_m import compile_graph
from pipeline.boards import FAMILIES
from pipeline.targets import Target, load_target, target_names
from tests.firmware.chip import Chip
from tests.firmware.chips import CHIPS
from tests.graph.graphs import small_mobilenet
from tests.imports import ROOT

BOARDS = [name for name in target_names(ROOT / "targets") if load_target(name, ROOT / "targets").board]
GREETING = b"m-init-done\r\nm-ready\r\n"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A board's firmware, linked when first asked for."""

    @cache
    def firmware(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        compile_graph(small_mobilenet(1), board(name).model_copy(update={"kernels": "portable"}), folder)
        return folder / "serial.elf"

    return firmware


def board(name: str) -> Target:
    return load_target(name, ROOT / "targets")


def chip(target: Target, starts: bool = True) -> Chip:
    assert target.board is not None
    return CHIPS[target.board.family](target, starts)


def test_every_family_has_a_model() -> None:
    assert set(CHIPS) == set(FAMILIES)


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_reaches_its_clock_and_greets(name: str, build: Callable[[str], Path]) -> None:
    run = chip(board(name))
    run.run(build(name), GREETING)
    assert bytes(run.sent).endswith(GREETING)
    assert run.core_hz == run.target.clock_hz
    assert run.bauds and all(baud == pytest.approx(115200, rel=0.01) for baud in run.bauds)


@pytest.mark.parametrize("name", [name for name in BOARDS if board(name).board.family != "rp2350"])
def test_without_its_oscillator_a_board_stays_slow_and_greets(name: str, build: Callable[[str], Path]) -> None:
    run = chip(board(name), starts=False)
    run.run(build(name), GREETING)
    assert bytes(run.sent).endswith(GREETING)
    assert run.core_hz in (16_000_000, 64_000_000)
    assert run.bauds and all(baud == pytest.approx(115200, rel=0.01) for baud in run.bauds)


def test_firmware_of_a_board_with_another_supply_is_refused(build: Callable[[str], Path]) -> None:
    with pytest.raises(AssertionError, match="the core loses its supply"):
        chip(board("stm32h747i-disco").model_copy(update={"memory": board("nucleo-h743zi2").memory})).run(
            build("nucleo-h743zi2"), GREETING
        )


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"HIGHEST": 168_000_000}, "too fast"),
        ({"APB1_HIGHEST": 42_000_000}, "bus too fast"),
        ({"WAIT_STATE_HZ": 24_000_000}, "too few wait states"),
    ],
)
def test_a_model_with_tighter_limits_refuses_what_the_part_can(
    limit: dict[str, int], message: str, build: Callable[[str], Path]
) -> None:
    run = type("Tighter", (CHIPS["stm32f4"],), limit)(board("nucleo-f446re"))
    with pytest.raises(AssertionError, match=message):
        run.run(build("nucleo-f446re"), GREETING)

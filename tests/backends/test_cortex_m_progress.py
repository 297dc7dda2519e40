"""How far a build is, as Ninja says it."""

from pathlib import Path

import pytest

from pipeline.backends.cortex_m import compile_graph, toolchain
from pipeline.targets import load_target
from tests.bars import recorded_bars
from tests.graph.graphs import small_mobilenet


def test_a_step_advances_by_its_share_and_other_lines_by_nothing() -> None:
    amounts: list[float] = []
    heard = toolchain._steps(amounts.append)
    for line in (
        "ninja: Entering directory\n",
        "[1/4] Building C object a.o\n",
        "a.c: warning: [2/4]\n",
        "[4/4] Linking\n",
    ):
        heard(line)
    assert amounts == [0.25, 0.75]


@pytest.mark.slow
def test_a_build_advances_in_steps_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bars = recorded_bars(monkeypatch, toolchain)
    compile_graph(small_mobilenet(1), load_target("nucleo-f446re"), tmp_path)
    # The firmware for the emulated machine, then the one for the board, of which only what differs is compiled.
    assert len(bars) == 2 and len(bars[0][1]) > len(bars[1][1]) > 1
    for total, amounts in bars:
        assert sum(amounts) == pytest.approx(total) and min(amounts) > 0

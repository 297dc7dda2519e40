"""Every build of the streaming kernels equals the numpy reference bit for bit."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given

from benchmarks.boards import BOARDS
from pipeline.backends.cortex_m.kernel import load_core
from pipeline.backends.cortex_m.streaming.builds import build_for
from pipeline.backends.cortex_m.streaming.layout import Layout
from pipeline.backends.cortex_m.streaming.layouts.portable import LAYOUT
from tests.firmware.cases import seeds, several
from tests.firmware.streaming_cases import Case, add_case, block_case, classify_case, deep_block_case, sum_case
from tests.firmware.streaming_peer import StreamingPeer, run_on_board

MAKERS = (block_case, deep_block_case, sum_case, classify_case, add_case)


@pytest.fixture(scope="module")
def streaming_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreamingPeer]:
    running = StreamingPeer(tmp_path_factory.mktemp("streaming_peer"))
    yield running
    running.close()


@pytest.mark.parametrize("make", MAKERS)
@several
@given(seed=seeds)
def test_the_portable_build(streaming_peer: StreamingPeer, make: Callable[[int, Layout], Case], seed: int) -> None:
    case = make(seed, LAYOUT)
    assert streaming_peer.run(case) == case.answer, case.text


@pytest.mark.slow
@pytest.mark.parametrize("core", BOARDS)
def test_the_build_of_every_core(core: str, tmp_path: Path) -> None:
    layout = build_for(load_core(core).simd).layout
    cases = [
        make(seed, layout) for make, count in zip(MAKERS, (240, 40, 60, 60, 60), strict=True) for seed in range(count)
    ]
    answers = run_on_board(core, cases, tmp_path)
    assert [c.text for c, answer in zip(cases, answers, strict=True) if answer != c.answer] == []

"""Which network fits which board: the arithmetic, and that it says what the linker says."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from benchmarks.costs import with_random_weights
from benchmarks.fits.margin import Margin, measure_margin
from benchmarks.fits.measure import boards, network
from benchmarks.fits.results import DOCS_FILE, RESOLUTIONS, Results, Row, fits_table, update_docs
from pipeline.backends.cortex_m.compiler import compile_graph
from pipeline.backends.cortex_m.engine import Need
from pipeline.backends.cortex_m.libraries import engine_for
from pipeline.errors import SixfoldError
from pipeline.memories import Memory, MemoryRegion, Place
from pipeline.report.markdown import markers
from pipeline.targets import load_target
from tests.imports import ROOT

MEMORY = Memory(
    flash=MemoryRegion(origin=0, size=1000),
    sram=MemoryRegion(origin=0x2000, size=500),
    dtcm=MemoryRegion(origin=0x4000, size=100),
    place=Place(stack="dtcm", data="dtcm"),
)
ROW = Row(
    target="a",
    core="cortex-m4",
    kernels="streaming",
    input="rows",
    arena_bytes=1,
    constant_bytes=1,
    beside={"flash": 1, "sram": 1},
    widest={96: 1.0, 128: 0.75, 160: 0.35, 192: None},
)


def test_every_region_must_hold_what_goes_there() -> None:
    margin = Margin(MEMORY, {"flash": 400, "sram": 0, "dtcm": 100})
    assert margin.fits(Need(arena=500, variables=0, constants=600))
    assert not margin.fits(Need(arena=501, variables=0, constants=600))
    assert not margin.fits(Need(arena=500, variables=1, constants=600))
    assert not margin.fits(Need(arena=500, variables=0, constants=601))


def test_the_table_has_every_resolution() -> None:
    lines = fits_table(Results(classes=10, rows=(ROW,))).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[-1] == "| `a` | cortex-m4 | streaming | rows | 1 | 0.75 | 0.35 | \u2014 | \u2014 |"
    assert len(RESOLUTIONS) == 5


def test_all_boards_are_there() -> None:
    names = {target.name for target in boards()}
    assert {"nucleo-f446re", "raspberry-pi-pico-2"} <= names
    assert not names & {"mps2-an386", "host-tvm"}


def test_our_own_page_has_the_markers(tmp_path: Path) -> None:
    path = tmp_path / DOCS_FILE.name
    path.write_text((ROOT / DOCS_FILE).read_text())
    results = Results(classes=10, rows=(ROW,))
    update_docs(results, path)
    begin, end = markers("fits")
    assert f"{begin}\n{fits_table(results)}{end}" in path.read_text()


@pytest.mark.slow
def test_the_linker_agrees_to_the_byte(tmp_path: Path) -> None:
    target = load_target("nrf52840-dk")
    graph = network(0.35, 96)
    # Planned without weights; linked with some.
    trained = with_random_weights(graph)
    engine = engine_for("streaming", "dsp")
    margin = measure_margin(target, engine, graph)
    assert target.memory is not None
    memory = target.memory
    need = engine.need(graph)
    flash, sram = margin.bytes["flash"] + need.constants, margin.bytes["sram"] + need.ram
    for name, used in (("flash", flash), ("sram", sram)):
        for lack in (0, 8):
            region = memory.regions[name].model_copy(update={"size": used - lack})
            tight = margin.memory.model_copy(update={name: region})
            assert Margin(tight, margin.bytes).fits(need) == (lack == 0)
            board = target.model_copy(update={"memory": tight})
            with pytest.raises(SixfoldError, match=f"nrf52840-dk: {name} .* too small") if lack else nullcontext():
                compile_graph(trained, board, tmp_path)

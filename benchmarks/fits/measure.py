"""The largest network for every board, mode and resolution."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from benchmarks.fits.margin import Margin, measure_margin
from benchmarks.fits.results import RESOLUTIONS, Results, Row
from pipeline.backends.cortex_m.engine import Engine, Need
from pipeline.backends.cortex_m.kernel import Simd, load_core
from pipeline.backends.cortex_m.libraries import MODES, engine_for
from pipeline.backends.cortex_m.skeleton import WIDTHS, Variant, skeleton
from pipeline.graph.ir import IntegerGraph
from pipeline.targets import TARGETS_FOLDER, InputMode, Kernels, Target, load_target, target_names

_TARGETS = Path(__file__).resolve().parents[2] / TARGETS_FOLDER
#: No board is better served by portable kernels.
_MODES = tuple(mode for mode in MODES if mode.kernels != "portable")
_CLASSES = 10
_SMALLEST = (0.35, 96)


def boards() -> list[Target]:
    """Every target that is a real board, by its name."""
    found = (load_target(name, _TARGETS) for name in target_names(_TARGETS))
    return [target for target in found if target.backend == "cortex-m" and target.board is not None]


@cache
def network(width: float, side: int) -> IntegerGraph:
    """A MobileNetV2 for square colour images, without weights."""
    return skeleton(Variant(width, (side, side, 3), 2, _CLASSES))


@cache
def _engine(kernels: Kernels, simd: Simd, given: InputMode) -> Engine:
    return engine_for(kernels, simd, given)


@cache
def _need(kernels: Kernels, simd: Simd, given: InputMode, width: float, side: int) -> Need:
    return _engine(kernels, simd, given).need(network(width, side))


def measure(target: Target, kernels: Kernels, given: InputMode) -> Row:
    """One row.

    Raises:
        SixfoldError: a tool is missing or refused.
    """
    simd = load_core(target.core).simd
    margin = measure_margin(target, _engine(kernels, simd, given), network(*_SMALLEST))

    def fits(width: float, side: int) -> bool:
        return margin.fits(_need(kernels, simd, given, width, side))

    need = _need(kernels, simd, given, *_SMALLEST)
    return Row(
        target=target.name,
        core=target.core,
        kernels=kernels,
        input=given,
        arena_bytes=need.arena,
        constant_bytes=need.constants,
        beside=_beside(margin),
        widest={side: next((width for width in WIDTHS if fits(width, side)), None) for side in RESOLUTIONS},
    )


def _beside(margin: Margin) -> dict[str, int]:
    return dict(sorted(margin.bytes.items()))


def measure_all(say: Callable[[str], None]) -> Results:
    """Every board and mode; `say` is told each."""
    rows = []
    for target in boards():
        for kernels, given in _MODES:
            say(f"{target.name} {kernels} {given}")
            rows.append(measure(target, kernels, given))
    return Results(classes=_CLASSES, rows=tuple(rows))

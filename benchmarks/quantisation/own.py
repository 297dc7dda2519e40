"""Our own calibration as a method of the comparison, and the sets of options that the other tables need."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache, partial
from importlib.metadata import version

from benchmarks.quantisation.method import Arithmetic, Method, Quantised, stopwatch
from benchmarks.quantisation.problem import Problem
from benchmarks.sources import digest_of, modules_of
from calibration.calibrate import Observed, observe, quantize_observed, steps, synthetic_needed
from calibration.dead_leaves import dead_leaves
from calibration.network import Network
from calibration.onnx_network import network_from_onnx
from calibration.options import Options
from pipeline.graph.qdq import int8_qdq
from pipeline.models.onnx_export import serialise
from pipeline.preprocess import normalise
from pipeline.progress import progress_bar

ALL_METHODS = Options()
NO_METHOD = Options(
    clip=False, centre=False, equalise=False, rounding="nearest", correct_bias=False, correct_stream=False
)
#: The switches of :class:`calibration.options.Options` that the ablation turns, and what they are called.
SWITCHES: dict[str, str] = {
    "clip": "clipped ranges",
    "centre": "centred channels",
    "equalise": "equalised channels",
    "rounding": "learned rounding",
    "correct_bias": "bias correction",
    "correct_stream": "residual correction",
}
#: Modules of calibration that report on a result and decide none.
REPORTING = ("calibration/equivalence.py", "calibration/error_analysis.py", "calibration/range_report.py")
#: Modules that decide one only where synthetic images are needed.
SYNTHESIS = ("calibration/dead_leaves.py", "calibration/distillation.py", "calibration/impressions.py")
OTHERS = ("pipeline/graph/ir.py", "pipeline/graph/qdq.py", "pipeline/preprocess.py")
PACKAGES = ("numpy", "onnx", "torch")


def ours(name: str, images: int, options: Options, computed_by: tuple[Arithmetic, ...] = ("onnxruntime",)) -> Method:
    """Our own calibration with some set of options."""
    decides = {
        "options": asdict(options),
        "code": digest_of(_sources(images)),
        "packages": {package: version(package) for package in PACKAGES},
    }
    return Method(name, images, decides, partial(_quantise_ours, options), computed_by, reads_metadata=True)


def _sources(images: int) -> Iterator[str]:
    """Everything of ours that decides the quantised model's bytes."""
    idle = {*REPORTING, *(() if synthetic_needed(images) else SYNTHESIS)}
    yield from (module for module in modules_of("calibration") if module not in idle)
    yield from OTHERS


def ablation(images: int) -> list[Method]:
    """No method, each alone, all but each, all; and all with one scale for each residual chain."""

    def switched(base: Options, name: str, source: Options) -> Options:
        return replace(base, **{name: getattr(source, name)})

    alone = [ours(f"{SWITCHES[s]} alone", images, switched(NO_METHOD, s, ALL_METHODS)) for s in SWITCHES]
    but = [ours(f"all but {SWITCHES[s]}", images, switched(ALL_METHODS, s, NO_METHOD)) for s in SWITCHES]
    return [
        ours("none", images, NO_METHOD),
        *alone,
        *but,
        ours("all", images, ALL_METHODS),
        ours("all, and one scale for each residual chain", images, replace(ALL_METHODS, share_chain=True)),
    ]


def curve(images: int) -> list[Method]:
    """All methods with fewer images, down to none."""
    counts = sorted({count for count in (0, 1, 16, 64) if count < images} | {images})
    return [ours(f"{count} images", count, ALL_METHODS) for count in counts]


def _quantise_ours(options: Options, problem: Problem, images: int) -> Quantised:
    network, observed, before = _observed(problem, images, options.seed)
    with stopwatch() as elapsed, progress_bar("quantising", len(network.layers)) as advance:
        result = quantize_observed(network, observed, options, advance)
        seconds = elapsed()
    return Quantised(serialise(int8_qdq(result.graph)), before[0] + seconds[0], before[1] + seconds[1])


@cache
def _observed(problem: Problem, images: int, seed: int) -> tuple[Network, Observed, tuple[float, float]]:
    """What all sets of options share, and the seconds that it took."""
    _observed.cache_clear()  # it is large, and methods with other images come later
    network = network_from_onnx(problem.onnx_model)
    given = problem.normalised(images)
    leaves = dead_leaves(synthetic_needed(images), problem.calibration.shape[1:], seed)
    start = normalise(leaves, problem.normalization)
    with stopwatch() as elapsed, progress_bar("calibration", steps(network, images) - len(network.layers)) as advance:
        observed = observe(network, given, start, problem.bounds, seed, advance)
        return network, observed, elapsed()

"""What will fail after everything was trained, known before: `sixfold init` says so while it is cheap to change."""

from collections.abc import Iterable, Iterator

from pipeline.backends.cortex_m.kernel import load_core
from pipeline.backends.cortex_m.libraries import default_kernels, engine_for
from pipeline.backends.cortex_m.skeleton import Variant, skeleton
from pipeline.params import Experiment
from pipeline.report.format import size
from pipeline.targets import Target


def forecast(experiment: Experiment, classes: int, test_images: int, targets: Iterable[Target]) -> list[str]:
    """What stands in the way of each target's verification, in words, one line each.

    Args:
        experiment: size, channels, width and stem of the network.
        classes: to tell apart.
        test_images: that accuracy will be measured on.
        targets: that will be built.
    """
    side = experiment.data.image_size
    image = (side, side, experiment.data.channels)
    network = Variant(experiment.model.width, image, experiment.model.stem_stride, classes)
    chosen = list(targets)
    return [*_too_small(network, chosen), *_too_few(test_images, chosen)]


def _too_small(network: Variant, targets: list[Target]) -> Iterator[str]:
    """Boards whose memories do not even hold tensors and weights; code and stack come on top."""
    for target in targets:
        if target.memory is None:
            continue
        simd = load_core(target.core).simd
        engine = engine_for(target.kernels or default_kernels(simd), simd, target.input, target.optimize)
        need = engine.need(skeleton(network))
        use = dict.fromkeys(target.memory.regions, 0)
        for region, amount in need.placed(target.memory):
            use[region] += amount
        lacking = [
            f"{name} has {size(region.size)}, tensors and weights take {size(use[name])}"
            for name, region in target.memory.regions.items()
            if use[name] > region.size
        ]
        if lacking:
            yield (
                f"{target.name} cannot hold this network: {'; '.join(lacking)}; `sixfold sweep --board {target.name} "
                f"--classes {network.classes}` says what fits"
            )


def _too_few(images: int, targets: list[Target]) -> Iterator[str]:
    """Budgets that a single test image overruns: they fail by chance."""
    weight = 100 / max(images, 1)
    if tight := [target.name for target in targets if target.budget.accuracy_drop_points < weight]:
        yield (
            f"each of {images} test images weighs {weight:.2f} points of accuracy, more than the budget of "
            f"{', '.join(tight)}: one more mistake than float makes fails it; bring more images, or raise "
            "budget.accuracy_drop_points in the target files"
        )

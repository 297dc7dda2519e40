"""What a network of another width and resolution takes on a board, before it is trained."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from pipeline.backends.cortex_m.engine import Need
from pipeline.backends.cortex_m.kernel import Simd, load_core
from pipeline.backends.cortex_m.libraries import MODES, Mode, engine_for
from pipeline.backends.cortex_m.skeleton import Variant, skeleton
from pipeline.errors import SixfoldError
from pipeline.graph import cost
from pipeline.graph.ir import IntegerGraph
from pipeline.memories import Memory
from pipeline.sweep.costs import estimated_instructions, kernel_costs, served_bytes
from pipeline.targets import InputMode, Kernels, Target


@dataclass(frozen=True)
class Candidate:
    """A network on a board with one kernel library.

    Attributes:
        side: of its square images, in pixels.
        input: how these come.
        macs: multiply-accumulates of one inference.
        parameters: weights and biases.
        instructions: of one inference, by estimate; neither cycles nor time.
        ram_bytes: all that an inference needs beside the stack, exactly.
        flash_bytes: code and constants, by estimate.
        missing: by memory region, or by limit of the budget, the bytes that are too many; empty if it fits.
    """

    board: str
    width: float
    side: int
    kernels: Kernels
    input: InputMode
    macs: int
    parameters: int
    instructions: int
    ram_bytes: int
    flash_bytes: int
    missing: Mapping[str, int]

    @property
    def mode(self) -> Mode:
        """Kernel library and input."""
        return Mode(self.kernels, self.input)

    @property
    def fits(self) -> bool:
        """Whether the board holds it and its budget allows it."""
        return not self.missing


def estimate(
    target: Target, like: Variant, widths: Iterable[float], sides: Iterable[int], modes: Sequence[Mode] = MODES
) -> list[Candidate]:
    """Every combination on one board, widest and largest first, less those that the kernels do not take.

    Args:
        target: a board of backend `cortex-m`.
        like: channels, stem stride and classes, which all share.
        widths: width multipliers.
        sides: of square images.
        modes: libraries to try, with the ways they take an image.

    Raises:
        SixfoldError: the target is no microcontroller, or its core's costs were not measured.
    """
    if target.backend != "cortex-m" or target.memory is None:
        raise SixfoldError(f"target {target.name}: backend {target.backend}; a sweep estimates boards of cortex-m")
    simd = load_core(target.core).simd
    return [
        _candidate(target, target.memory, variant, mode, need)
        for variant in _variants(like, widths, sides)
        for mode in modes
        if (need := _need(variant, mode, simd)) is not None
    ]


def _variants(like: Variant, widths: Iterable[float], sides: Iterable[int]) -> Iterator[Variant]:
    for width in sorted(set(widths), reverse=True):
        for side in sorted(set(sides), reverse=True):
            yield replace(like, width=width, image=(side, side, like.image[2]))


def _candidate(target: Target, memory: Memory, variant: Variant, mode: Mode, need: Need) -> Candidate:
    graph = _skeleton(variant)
    costs = kernel_costs(target.core, mode.kernels)
    use = dict.fromkeys(memory.regions, 0)
    for region, amount in (
        *need.placed(memory),
        (memory.place.stack, costs.stack_bytes),
        (memory.place.data, costs.data_bytes + served_bytes(graph)),
        ("flash", costs.code_bytes),
    ):
        use[region] += amount
    limits = [(name, use[name], region.size) for name, region in memory.regions.items()]
    flash = need.constants + costs.code_bytes
    limits += [
        (f"budget.{name}", amount, limit)
        for name, amount, limit in (("sram", need.ram, target.budget.sram), ("flash", flash, target.budget.flash))
        if limit is not None
    ]
    return Candidate(
        board=target.name,
        width=variant.width,
        side=variant.image[0],
        kernels=mode.kernels,
        input=mode.input,
        macs=sum(cost.macs(graph).values()),
        parameters=cost.parameters(graph),
        instructions=round(estimated_instructions(graph, costs)),
        ram_bytes=need.ram,
        flash_bytes=flash,
        missing={name: amount - limit for name, amount, limit in limits if amount > limit},
    )


@cache
def _skeleton(variant: Variant) -> IntegerGraph:
    return skeleton(variant)


@cache
def _need(variant: Variant, mode: Mode, simd: Simd) -> Need | None:
    """What a variant takes; boards with the same vector instructions share it. None if the kernels do not take it."""
    try:
        return engine_for(mode.kernels, simd, mode.input).need(_skeleton(variant))
    except SixfoldError:
        return None

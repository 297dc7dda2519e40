"""From counts by address to a profile by layer, class and function."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.graph.cost import macs
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.profile.classes import Class, classify, products
from pipeline.profile.counting import count_inference
from pipeline.profile.parts import find_parts
from pipeline.profile.program import Instruction, read_instructions, read_symbols
from pipeline.profile.results import LayerWork, Profile, Work
from pipeline.report.isa_bound import multiplier
from pipeline.runners.firmware import EVALUATION, read_artefact
from pipeline.targets import Target


def profile_artefact(artefact: Path, target: Target, graph: IntegerGraph, image: Int8Array) -> Profile:
    """Profile one inference of the firmware in folder `artefact`, in the emulator.

    Args:
        artefact: what backend `cortex-m` wrote.
        target: what it was built for; it runs on the emulated machine.
        graph: what it was built from.
        image: int8 ``(height, width, channels)``. Kernels may branch on the data, so counts are of this image.

    Raises:
        SixfoldError: the target is not emulated, something is missing or damaged, or the counts are not the runner's.
    """
    if target.runner.kind != "qemu-system":
        raise SixfoldError(
            f"target {target.name}: its runner is {target.runner.kind}; a profile needs an emulated board, qemu-system"
        )
    best = multiplier(target.core)
    if best is None:
        raise SixfoldError(
            f"target {target.name}: core {target.core}: its best instruction for int8 products is not known"
        )
    built = read_artefact(artefact, EVALUATION)
    if built.sha256.hex() != graph.sha256():
        raise SixfoldError(f"{artefact}: was built from another model; build it again")
    kernels = str(read_json(artefact / "model.json")["kernels"])
    pushed = target.input == "rows"
    parts = find_parts(read_symbols(built.elf), graph, kernels == "streaming", pushed)
    counts, result = count_inference(artefact, target, parts, image)
    by_operator: dict[str | None, Counter[int]] = defaultdict(Counter)
    for part, addresses in counts.items():
        by_operator[parts.operators.get(part)].update(addresses)
    program = read_instructions(built.elf)
    latency = result.cost
    profile = Profile(
        where=latency.where,
        core=target.core,
        kernels=kernels,
        bound=best[1],
        layers=tuple(
            LayerWork(name=name, macs=count, **_work(by_operator[name], program)) for name, count in macs(graph).items()
        ),
        runtime=Work(**_work(by_operator[None], program)),
        tools=dict(result.tools),
    )
    # Of rows that are pushed, each is timed by itself: what the timer says is off by a tick each.
    if abs(profile.instructions - (latency.value or 0)) > (parts.windows if pushed else 0):
        raise SixfoldError(
            f"{artefact}: {profile.instructions} instructions were counted, the board's timer says {latency.value:.0f}"
        )
    return profile


def _work(counts: Mapping[int, int], program: Mapping[int, Instruction]) -> dict[str, Any]:
    """The fields of :class:`Work`, sorted by their keys."""
    classes: Counter[Class] = Counter()
    functions: Counter[str] = Counter()
    multiplications = 0
    for address, count in counts.items():
        if address not in program:
            raise SixfoldError(f"an instruction at 0x{address:x} was executed, which is no code of the firmware")
        instruction = program[address]
        name = classify(instruction.mnemonic)
        classes[name] += count
        functions[instruction.function] += count
        if name == "multiply":
            multiplications += count * products(instruction.mnemonic)
    return {
        "instructions": classes.total(),
        "classes": dict(sorted(classes.items())),
        "products": multiplications,
        "functions": dict(sorted(functions.items())),
    }

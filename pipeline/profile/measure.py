"""From counts by address to a profile by layer, class and function."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.graph.ir import Int8Array
from pipeline.profile.classes import Class, classify, products
from pipeline.profile.counting import count_inference
from pipeline.profile.program import Instruction, read_instructions
from pipeline.profile.results import LayerWork, Profile, Work
from pipeline.report.isa_bound import multiplier
from pipeline.runners.firmware import EVALUATION, read_artefact
from pipeline.targets import Target


def profile_artefact(artefact: Path, target: Target, image: Int8Array) -> Profile:
    """Profile one inference of the firmware in folder `artefact`, in the emulator.

    Args:
        artefact: what backend `cortex-m` wrote.
        target: what it was built for; it runs on the emulated machine.
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
    counts, result = count_inference(artefact, target, image)
    program = read_instructions(built.elf)
    latency = result.cost
    profile = Profile(
        where=latency.where,
        core=target.core,
        kernels=str(read_json(artefact / "model.json")["kernels"]),
        bound=best[1],
        layers=tuple(
            LayerWork(name=name, macs=macs, **_work(counts.get(part, {}), program))
            for part, (name, macs) in enumerate(built.layers, start=1)
        ),
        runtime=Work(**_work(counts.get(0, {}), program)),
        tools=dict(result.tools),
    )
    if profile.instructions != latency.value:
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

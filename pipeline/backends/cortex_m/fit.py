"""Why a model does not fit a board, and what would."""

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

from pipeline.backends.cortex_m.engine import Engine, Need
from pipeline.backends.cortex_m.kernel import Simd
from pipeline.backends.cortex_m.libraries import engine_for
from pipeline.backends.cortex_m.memory_plan import MemoryPlan
from pipeline.backends.cortex_m.skeleton import Variant, recognise, skeleton, smaller_variants
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Add, GlobalAveragePool, IntegerGraph
from pipeline.memories import Memory
from pipeline.targets import Kernels


def explain_overflow(
    overflow: Mapping[str, int],
    graph: IntegerGraph,
    plan: MemoryPlan,
    memory: Memory,
    engine: Engine,
    simd: Simd,
) -> str:
    """One line: by how much each memory is too small, what takes it, and what would fit by estimate.

    Args:
        overflow: region in capital letters, as the linker names it, to the bytes that are missing.
        graph: the model.
        plan: its memory plan.
        memory: the board's.
        engine: what it was built with.
        simd: the core's vector instructions.
    """
    names = {name.upper(): name for name in memory.regions}
    missing = {names[region]: amount for region, amount in overflow.items()}
    parts = [
        f"{name} ({memory.regions[name].size} bytes) is {amount} bytes too small: {_reason(name, graph, plan, memory)}"
        for name, amount in missing.items()
    ]
    return f"{'; '.join(parts)}. {_advice(missing, graph, plan, memory, engine, simd)}"


def _reason(name: str, graph: IntegerGraph, plan: MemoryPlan, memory: Memory) -> str:
    if name == memory.place.arena:
        return (
            f"the arena takes {plan.arena_bytes}, its peak is layer {plan.peak_operator} with {plan.lower_bound} live "
            "bytes"
        )
    if name == memory.place.weights:
        weights = {op.name: op.weight.size for op in graph.operators if not isinstance(op, Add | GlobalAveragePool)}
        largest = max(weights, key=lambda layer: weights[layer])
        return f"the weights take {sum(weights.values())}, the largest layer is {largest} with {weights[largest]}"
    return "it holds the code" if name == "flash" else "it holds the stack and other data"


def _advice(
    missing: Mapping[str, int],
    graph: IntegerGraph,
    plan: MemoryPlan,
    memory: Memory,
    engine: Engine,
    simd: Simd,
) -> str:
    now = replace(engine.need(graph), arena=plan.arena_bytes)
    found = []
    for name in get_args(Kernels):
        other = None if name == engine.name else _need(graph, engine_for(name, simd))
        if other is not None and _fits(missing, now, other, memory):
            found.append(f"kernels: {name} ({other.arena} bytes of arena)")
    variant = recognise(graph)
    if variant is not None:
        fitting = [
            smaller
            for smaller in smaller_variants(variant)
            if (need := _need(skeleton(smaller), engine)) is not None and _fits(missing, now, need, memory)
        ]
        found += _first_of_each_kind(variant, fitting)
    if found:
        return f"By estimate it would fit with {', or '.join(found)}"
    if variant is None:
        return "What would fit is not known: this is no MobileNetV2 of the paper"
    return "By estimate no kernels, width from 0.35 or resolution from 32 would make it fit"


def _first_of_each_kind(variant: Variant, fitting: list[Variant]) -> list[str]:
    """The widest network and the largest image that fit alone; where neither does, the least of both together."""
    texts: list[str] = []
    for smaller in fitting:
        width = f"width {smaller.width:g} instead of {variant.width:g}"
        pixels = f"images of {smaller.image[0]}x{smaller.image[1]} instead of {variant.image[0]}x{variant.image[1]}"
        if smaller.image == variant.image and not any(text.startswith("width") for text in texts):
            texts.append(width)
        elif smaller.width == variant.width and not any(text.startswith("images") for text in texts):
            texts.append(pixels)
        elif not texts:
            return [f"{width} and {pixels}"]
    return texts


def _need(graph: IntegerGraph, engine: Engine) -> Need | None:
    """What an engine would take; None if it does not take this graph."""
    try:
        return engine.need(graph)
    except SixfoldError:
        return None


def _fits(missing: Mapping[str, int], now: Need, then: Need, memory: Memory) -> bool:
    """Whether every region that is too small loses as much as it lacks."""
    for name, amount in missing.items():
        saved = 0
        if name == memory.place.arena:
            saved += now.arena - then.arena
        if name == memory.place.weights:
            saved += now.constants - then.constants
        if saved < amount:
            return False
    return True

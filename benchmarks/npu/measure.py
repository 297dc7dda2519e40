"""One run: compile, ask Vela's report, execute by the functional model where there is one."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.graphs import integer_graph, measured_inputs
from benchmarks.networks import NETWORKS, Network
from benchmarks.npu.results import Cost, LimitRow, NpuResults, RoundingRow, TargetRow, VariantRow
from benchmarks.npu.variants import VARIANTS
from pipeline.backends.ethos_u.compiled_file import read_compiled
from pipeline.backends.ethos_u.compiler import arena_limits, compile_file
from pipeline.backends.ethos_u.vela import ENVIRONMENT, Compiled, run_vela
from pipeline.backends.litert.writer import write_tflite
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.graph.reference import execute
from pipeline.npu import NpuSpec
from pipeline.runners.ethos_u.model import Model, NotModelledError
from pipeline.runners.ethos_u.model.command_stream import read_operations
from pipeline.targets import Target, load_target, target_names
from pipeline.tool_environments import tool_environment

#: Where limits and variants are compared: one target says it for the others.
_COMPARED = "ethos-u55-128"
_SAMPLES = 4
_ROUNDING = {0: "double, as TensorFlow Lite", 1: "towards zero", 2: "to the nearest, halves up"}
_ROUNDED = ("convolution", "depthwise convolution", "pooling", "elementwise")


@dataclass(frozen=True)
class _Case:
    """A network with what its artefacts must compute."""

    network: Network
    graph: IntegerGraph
    inputs: Int8Array
    expected: Int8Array

    def cost(self, compiled: Compiled, modelled: bool) -> Cost:
        estimate, file = compiled.estimate, read_compiled(compiled.content)
        mismatched = None
        if modelled:
            with contextlib.suppress(NotModelledError):
                mismatched = int(np.count_nonzero(Model(file).execute(self.inputs) != self.expected))
        return Cost(
            ms=estimate.ms,
            compute_ms=estimate.compute_cycles / estimate.clock_hz * 1e3,
            arena_bytes=sum(file.arena_bytes),
            sram_bytes=estimate.sram_bytes,
            file_bytes=len(compiled.content),
            npu_share=estimate.npu_share,
            mismatched=mismatched,
            compared=self.expected.size,
        )


def run(say: Callable[[str], None]) -> NpuResults:
    """Measure everything.

    Args:
        say: told what is being done.

    Raises:
        SixfoldError: Vela refuses something, or a target's artefact computes other codes than the reference.
    """
    targets: list[TargetRow] = []
    limits: list[LimitRow] = []
    variants: list[VariantRow] = []
    rounding: dict[str, Counter[tuple[str, str]]] = {}
    npu_targets = [target for target in map(load_target, target_names()) if target.npu is not None]
    for network in NETWORKS.values():
        graph = integer_graph(network)
        inputs = measured_inputs(network, graph, _SAMPLES)
        case = _Case(network, graph, inputs, execute(graph, inputs, "fixed-point"))
        content = write_tflite(graph)
        for target in npu_targets:
            say(f"{network.name} {target.name}")
            compiled = compile_file(content, _npu(target))
            cost = case.cost(compiled, target.runner.kind == "npu-model")
            if cost.mismatched:
                raise SixfoldError(f"{network.name} {target.name}: {cost.mismatched} codes differ from the reference")
            targets.append(TargetRow(network=network.name, target=target.name, cost=cost))
            if target.runner.kind == "npu-model":
                rounding.setdefault(target.name, Counter()).update(_rounding(compiled))
        npu = _npu(load_target(_COMPARED))
        for limit, compiled in _limits(content, npu, say):
            cost = case.cost(compiled, modelled=True)
            limits.append(LimitRow(network=network.name, target=_COMPARED, limit=limit, cost=cost))
        for variant in VARIANTS:
            say(f"{network.name} {variant.name}")
            compiled = run_vela(variant.write(graph), npu, None, variant.smallest, variant.options)
            cost = case.cost(compiled, modelled=True)
            variants.append(VariantRow(network=network.name, target=_COMPARED, variant=variant.name, cost=cost))
    return NpuResults(
        vela=tool_environment(ENVIRONMENT).version,
        targets=tuple(targets),
        limits=tuple(limits),
        variants=tuple(variants),
        rounding=tuple(
            RoundingRow(target=target, operation=operation, rounding=mode, operations=count)
            for target, modes in rounding.items()
            for (operation, mode), count in sorted(modes.items())
        ),
    )


def _npu(target: Target) -> NpuSpec:
    if target.npu is None:
        raise SixfoldError(f"target {target.name}: is no NPU")
    return target.npu


def _limits(content: bytes, npu: NpuSpec, say: Callable[[str], None]) -> Iterator[tuple[int | None, Compiled]]:
    """The plans that the search for little SRAM chooses from, and the fastest one, which is free."""
    fastest = run_vela(content, npu, None)
    smallest = run_vela(content, npu, None, smallest=True)
    for limit in arena_limits(smallest.estimate.sram_bytes, fastest.estimate.sram_bytes):
        say(f"arena of {limit} bytes")
        yield limit, run_vela(content, npu, limit)
    yield None, fastest


def _rounding(compiled: Compiled) -> Counter[tuple[str, str]]:
    """Rounding modes by operation, each counted."""
    operations = (op for stream in read_compiled(compiled.content).streams for op in read_operations(stream))
    rounded = (operation for operation in operations if operation.name in _ROUNDED)
    return Counter((op.name, _ROUNDING[op.registers["ofm_precision"] >> 14]) for op in rounded)

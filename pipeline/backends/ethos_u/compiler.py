"""From the integer graph to an Ethos-U artefact: one ``.tflite`` file through Vela, with as little SRAM as is worth it.

Vela plans for speed. How much SRAM that takes follows from a limit that it may be given, and the relation is rugged: a
third of the memory may cost one per cent of the speed, and a slightly larger limit may be slower than a smaller one. So
where a target file allows a slack, limits between the smallest and the fastest plan are tried, from below.
"""

from pathlib import Path

from pipeline.backends.ethos_u.estimate import in_terms_of
from pipeline.backends.ethos_u.vela import Compiled, run_vela
from pipeline.backends.litert.writer import write_tflite
from pipeline.errors import SixfoldError
from pipeline.files import write_json
from pipeline.graph.ir import IntegerGraph
from pipeline.npu import NpuSpec
from pipeline.targets import Target

#: The file that runs on the board: a command stream, its constants, and the size of its arena.
ARTEFACT = "model_vela.tflite"
#: The file that Vela compiled, which any TensorFlow Lite runtime executes.
SOURCE = "model.tflite"
#: Vela's estimate, an :class:`~pipeline.backends.ethos_u.estimate.Estimate`.
ESTIMATE = "estimate.json"

_STEPS = 12
_ALIGNMENT = 16


def compile_graph(graph: IntegerGraph, target: Target, folder: Path) -> None:
    """Write the compiled file, the file it was compiled from and Vela's estimate into `folder`.

    Raises:
        SixfoldError: Vela cannot be installed or refused, or the target's clock is not that of its configuration.
    """
    if target.npu is None:
        raise SixfoldError(f"targets/{target.name}.yaml: npu: missing; add it")
    content = write_tflite(graph)
    compiled = compile_file(content, target.npu)
    if compiled.estimate.clock_hz != target.clock_hz:
        raise SixfoldError(
            f"targets/{target.name}.yaml: clock_hz: is {target.clock_hz}, but npu.system_config "
            f"{target.npu.system_config} is for {compiled.estimate.clock_hz}; make them agree"
        )
    (folder / SOURCE).write_bytes(content)
    (folder / ARTEFACT).write_bytes(compiled.content)
    write_json(folder / ESTIMATE, in_terms_of(graph, compiled.estimate).model_dump(mode="json"))


def compile_file(content: bytes, npu: NpuSpec) -> Compiled:
    """Compile a ``.tflite`` file: as fast as possible, or with the least SRAM within the target's slack.

    Raises:
        SixfoldError: Vela cannot be installed or refused.
    """
    fastest = run_vela(content, npu, npu.arena)
    if npu.latency_slack_percent == 0:
        return fastest
    slowest_ms = fastest.estimate.ms * (1 + npu.latency_slack_percent / 100)
    smallest = run_vela(content, npu, None, smallest=True)
    if smallest.estimate.ms <= slowest_ms:
        return smallest
    for limit in arena_limits(smallest.estimate.sram_bytes, fastest.estimate.sram_bytes):
        compiled = run_vela(content, npu, limit)
        # A limit is an aim: what was taken counts.
        if compiled.estimate.ms <= slowest_ms and compiled.estimate.sram_bytes < fastest.estimate.sram_bytes:
            return compiled
    return fastest


def arena_limits(low: int, high: int) -> list[int]:
    """Limits from `low` to below `high`, each the same ratio above the one before."""
    return [int(low * (high / low) ** (step / _STEPS)) // _ALIGNMENT * _ALIGNMENT for step in range(_STEPS)]

"""From the integer graph to a folder with sources, linker script, ELF file and what the runner must know."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.backends.cortex_m import toolchain
from pipeline.backends.cortex_m.accumulators import check_accumulators
from pipeline.backends.cortex_m.cmsis_nn_source import find_cmsis_nn
from pipeline.backends.cortex_m.elf import Sizes, check_linked, read_sizes
from pipeline.backends.cortex_m.emitter import emit_linker_script, emit_model
from pipeline.backends.cortex_m.fit import explain_overflow
from pipeline.backends.cortex_m.guards import GUARD_BYTES, guard_zones
from pipeline.backends.cortex_m.kernel import Kernel, KernelLibrary, load_core
from pipeline.backends.cortex_m.libraries import default_kernels, kernel_library
from pipeline.backends.cortex_m.machines import Placement, board_placement, placement
from pipeline.backends.cortex_m.memory_map import memory_map
from pipeline.backends.cortex_m.memory_plan import MemoryPlan, plan_memory
from pipeline.backends.cortex_m.portable import PORTABLE
from pipeline.errors import SixfoldError
from pipeline.files import sha256_file, write_json
from pipeline.graph.cost import macs
from pipeline.graph.ir import Add, GlobalAveragePool, IntegerGraph
from pipeline.targets import Target


@dataclass(frozen=True)
class Sources:
    """What the generated sources contain.

    Attributes:
        plan: where tensors and scratch lie.
        kernels: the function that computes each layer, by the layer's name.
    """

    plan: MemoryPlan
    kernels: Mapping[str, Kernel]


def compile_graph(graph: IntegerGraph, target: Target, folder: Path, guarded: bool = False) -> None:
    """Cross-compile the graph for a Cortex-M target.

    `guarded` puts guard zones around every buffer, which the firmware checks after every layer: to prove a plan and
    its kernels, not for use.

    Writes ``model.c``, ``model.h``, ``model.ld``, ``firmware.elf`` (for verification under semihosting),
    ``serial.elf`` (for use, over a serial port), ``model.json`` (what a runner must know), ``memory.json`` (sizes in
    bytes, the largest symbols, the memory plan) and ``memory_map.svg`` (the plan as a picture). Where an emulated
    machine stands for the board, ``firmware.elf`` is for that machine; ``serial.elf`` and the sizes are the board's,
    linked with its own start-up by ``board.ld``. Same graph, target, compiler and kernels: same bytes.

    Raises:
        SixfoldError: the target's memory is too small (says by how many bytes, where the peak is and what would fit), a
            tool or the kernel library is missing, another kernel was linked than chosen, or the graph does not suit
            int32 arithmetic.
    """
    place, board = placement(target), board_placement(target)
    toolchain.require_tools()
    core = load_core(target.core)
    library = kernel_library(target.kernels or default_kernels(core.simd), core.simd)
    compiled, tools = _kernel_sources(library)
    sources = generate_sources(graph, folder, library, guarded)

    def link(place: Placement, script: str, build: Path) -> tuple[Path, Path]:
        """The firmware for verification and the one for use; in the same folder again only what differs is compiled."""
        (folder / script).write_text(emit_linker_script(target.name, place))
        try:
            evaluation = toolchain.build_device(folder, build, core, place.board, compiled, place.settings, script)
        except toolchain.DoesNotFitError as error:
            reasons = explain_overflow(error.overflow, graph, sources.plan, place.memory, library, core.simd)
            raise SixfoldError(f"the model does not fit target {target.name}: {reasons}") from error
        use = evaluation.with_name("serial.elf")
        for firmware in (evaluation, use):
            check_linked(firmware, sources.kernels, core)
        return evaluation, use

    with tempfile.TemporaryDirectory(prefix="sixfold-") as build:
        evaluation, use = link(place, "model.ld", Path(build))
        shutil.copyfile(evaluation, folder / evaluation.name)
        if board is not None:
            evaluation, use = link(board, "board.ld", Path(build))
        shutil.copyfile(use, folder / use.name)
        sizes = read_sizes(evaluation)
    _write_descriptions(graph, library, sources, tools, sizes, folder)


def generate_sources(
    graph: IntegerGraph, folder: Path, library: KernelLibrary = PORTABLE, guarded: bool = False
) -> Sources:
    """Write ``model.c``, ``model.h`` and ``memory_map.svg`` for a kernel library, for any machine.

    `guarded` as in :func:`compile_graph`.

    Raises:
        SixfoldError: an accumulator could leave int32.
    """
    for operator in graph.operators:
        if not isinstance(operator, Add | GlobalAveragePool):
            check_accumulators(graph, operator)
    kernels = {operator.name: library.choose(graph, operator) for operator in graph.operators}
    plan = plan_memory(graph, kernels, GUARD_BYTES if guarded else 0)
    zones = guard_zones(plan) if guarded else ()
    (folder / "memory_map.svg").write_text(memory_map(plan), encoding="utf-8")
    for name, text in emit_model(graph, plan, kernels, library.header, zones).items():
        (folder / name).write_text(text)
    return Sources(plan, kernels)


def _kernel_sources(library: KernelLibrary) -> tuple[toolchain.Kernels, dict[str, str]]:
    """What to compile, and the versions that the artefact is made with."""
    tools = {"arm-none-eabi-gcc": toolchain.compiler_version()}
    if library.name != "cmsis-nn":
        return toolchain.Kernels(library.name), tools
    found = find_cmsis_nn()
    return toolchain.Kernels(library.name, found.root), {**tools, "cmsis-nn": found.version}


def _write_descriptions(
    graph: IntegerGraph, library: KernelLibrary, sources: Sources, tools: Mapping[str, str], sizes: Sizes, folder: Path
) -> None:
    plan = sources.plan
    height, width, channels = graph.tensors[graph.input].shape
    model = {
        "sha256": graph.sha256(),
        "elf_sha256": sha256_file(folder / "firmware.elf"),
        "serial_sha256": sha256_file(folder / "serial.elf"),
        "input": [height, width, channels],
        "classes": graph.tensors[graph.output].size,
        "layers": [
            {"name": name, "macs": count, "kernel": sources.kernels[name].function}
            for name, count in macs(graph).items()
        ],
        "kernels": library.name,
        "tools": dict(tools),
    }
    memory = {
        "flash_bytes": sizes.flash_bytes,
        "code_bytes": sizes.code_bytes,
        "ram_bytes": sizes.ram_bytes,
        "arena_bytes": plan.arena_bytes,
        "lower_bound_bytes": plan.lower_bound,
        "peak": {"layer": plan.peak_operator, "live_bytes": plan.lower_bound},
        "largest": sizes.largest,
        "plan": [
            {
                # A scratch buffer is named by its layer; tensors by themselves.
                "name": buffer.name.replace("\n", " "),
                "offset": plan.offsets[buffer.name],
                "size": buffer.size,
                "first_layer": buffer.first,
                "last_layer": buffer.last,
            }
            for buffer in plan.buffers
        ],
    }
    write_json(folder / "model.json", model)
    write_json(folder / "memory.json", memory)

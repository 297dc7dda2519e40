"""From the integer graph to a folder with sources, linker script, ELF file and what the runner must know."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipeline.backends.cortex_m import toolchain
from pipeline.backends.cortex_m.accumulators import check_accumulators
from pipeline.backends.cortex_m.cmsis_nn_source import find_cmsis_nn
from pipeline.backends.cortex_m.elf import Sizes, check_linked, read_sizes
from pipeline.backends.cortex_m.engine import Engine, Program
from pipeline.backends.cortex_m.fit import explain_overflow
from pipeline.backends.cortex_m.kernel import load_core
from pipeline.backends.cortex_m.libraries import PORTABLE_ENGINE, default_kernels, engine_for
from pipeline.backends.cortex_m.linker_script import emit_linker_script
from pipeline.backends.cortex_m.machines import Placement, board_placement, placement
from pipeline.backends.cortex_m.memory_map import memory_map
from pipeline.errors import SixfoldError
from pipeline.files import sha256_file, write_json
from pipeline.graph.cost import live_memory
from pipeline.graph.ir import Add, GlobalAveragePool, IntegerGraph
from pipeline.targets import Target


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
    engine = engine_for(target.kernels or default_kernels(core.simd), core.simd, target.input, target.optimize)
    compiled, tools = _kernel_sources(engine)
    program = generate_sources(graph, folder, engine, guarded)
    kernels = {layer.name: layer.kernel for layer in program.layers}

    def link(place: Placement, script: str, build: Path) -> tuple[Path, Path]:
        """The firmware for verification and the one for use; in the same folder again only what differs is compiled."""
        (folder / script).write_text(emit_linker_script(target.name, place))
        try:
            evaluation = toolchain.build_device(folder, build, core, place.board, compiled, place.settings, script)
        except toolchain.DoesNotFitError as error:
            reasons = explain_overflow(error.overflow, graph, program.plan, place.memory, engine, core.simd)
            raise SixfoldError(f"the model does not fit target {target.name}: {reasons}") from error
        use = evaluation.with_name("serial.elf")
        for firmware in (evaluation, use):
            check_linked(firmware, kernels, core)
        return evaluation, use

    with tempfile.TemporaryDirectory(prefix="sixfold-") as build:
        evaluation, use = link(place, "model.ld", Path(build))
        shutil.copyfile(evaluation, folder / evaluation.name)
        if board is not None:
            evaluation, use = link(board, "board.ld", Path(build))
        shutil.copyfile(use, folder / use.name)
        sizes = read_sizes(evaluation)
    _write_descriptions(graph, target, engine, program, tools, sizes, folder)


def generate_sources(
    graph: IntegerGraph, folder: Path, engine: Engine = PORTABLE_ENGINE, guarded: bool = False
) -> Program:
    """Write ``model.c``, ``model.h`` and ``memory_map.svg``, for any machine.

    `guarded` as in :func:`compile_graph`.

    Raises:
        SixfoldError: an accumulator could leave int32, or the engine does not take this graph.
    """
    for operator in graph.operators:
        if not isinstance(operator, Add | GlobalAveragePool):
            check_accumulators(graph, operator)
    program = engine.program(graph, guarded)
    (folder / "memory_map.svg").write_text(memory_map(program.plan), encoding="utf-8")
    for name, text in program.files.items():
        (folder / name).write_text(text)
    return program


def _kernel_sources(engine: Engine) -> tuple[toolchain.Kernels, dict[str, str]]:
    """What to compile, and the versions that the artefact is made with."""
    tools = {"arm-none-eabi-gcc": toolchain.compiler_version()}
    if engine.name != "cmsis-nn":
        return toolchain.Kernels(engine.folder), tools
    found = find_cmsis_nn()
    return toolchain.Kernels(engine.folder, found.root), {**tools, "cmsis-nn": found.version}


def _write_descriptions(
    graph: IntegerGraph,
    target: Target,
    engine: Engine,
    program: Program,
    tools: Mapping[str, str],
    sizes: Sizes,
    folder: Path,
) -> None:
    plan = program.plan
    whole = {layer.operator: layer.live_bytes for layer in live_memory(graph)}
    height, width, channels = graph.tensors[graph.input].shape
    model = {
        "sha256": graph.sha256(),
        "elf_sha256": sha256_file(folder / "firmware.elf"),
        "serial_sha256": sha256_file(folder / "serial.elf"),
        "input": [height, width, channels],
        "classes": graph.tensors[graph.output].size,
        "layers": [
            {"name": layer.name, "macs": layer.macs, "kernel": layer.kernel.function} for layer in program.layers
        ],
        "kernels": engine.name,
        "sources": engine.folder,
        "tools": dict(tools),
    }
    memory = {
        "flash_bytes": sizes.flash_bytes,
        "code_bytes": sizes.code_bytes,
        "ram_bytes": sizes.ram_bytes,
        "arena_bytes": plan.arena_bytes,
        "lower_bound_bytes": plan.lower_bound,
        "peak": {"layer": plan.peak_operator, "live_bytes": plan.lower_bound},
        # Beside what the plan needs: what whole tensors would take (paper, section 5.1, equation 2).
        "layers": [
            {
                "name": layer.name,
                "live_bytes": plan.live_bytes[layer.name],
                "equation_2_bytes": max(whole[operator] for operator in layer.operators),
            }
            for layer in program.layers
        ],
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

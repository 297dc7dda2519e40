"""What a network takes of a board's memories: planned where that is exact, measured where only the linker knows."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from elftools.elf.elffile import ELFFile

from pipeline.backends.cortex_m import fit, toolchain
from pipeline.backends.cortex_m.cmsis_nn_source import find_cmsis_nn
from pipeline.backends.cortex_m.compiler import generate_sources
from pipeline.backends.cortex_m.engine import Engine
from pipeline.backends.cortex_m.kernel import load_core
from pipeline.backends.cortex_m.linker_script import emit_linker_script
from pipeline.backends.cortex_m.machines import board_placement, placement
from pipeline.backends.cortex_m.streaming.constants import requantization
from pipeline.backends.cortex_m.streaming.engine import StreamingEngine
from pipeline.backends.cortex_m.streaming.structure import recognise
from pipeline.graph.ir import Add, Conv2D, DepthwiseConv2D, FullyConnected, GlobalAveragePool, IntegerGraph
from pipeline.targets import Memory, MemoryRegion, Target

#: More than any network takes here; regions lie this far apart, so that none is ever too small.
_ROOM = 0x0400_0000


@dataclass(frozen=True)
class Margin:
    """What a board's firmware takes beside arena and constants, which all networks of the paper have in common.

    Attributes:
        bytes: by region, of the larger of the firmware for verification and the one for use; stack included.
    """

    memory: Memory
    bytes: Mapping[str, int]

    def fits(self, arena: int, constants: int) -> bool:
        """Whether a network with an arena and constants of these sizes fits the board."""
        used = dict(self.bytes)
        used[self.memory.place.arena] += arena
        used[self.memory.place.weights] += constants
        return all(used[name] <= region.size for name, region in self.memory.regions.items())


def constant_bytes(engine: Engine, graph: IntegerGraph) -> int:
    """Size of weights, biases, multipliers and shifts as the engine lays them out."""
    if not isinstance(engine, StreamingEngine):
        return fit.constant_bytes(graph)
    layout, total = engine.build.layout, 0
    expanding = {id(unit.expand) for unit in recognise(graph).units} | {id(recognise(graph).ending.expand)}
    for operator in graph.operators:
        if isinstance(operator, Add | GlobalAveragePool):
            continue
        numbers = requantization(graph, operator)
        match operator:
            case Conv2D():
                weight = operator.weight.reshape(len(operator.bias), -1)
                packed = layout.pack_pointwise(weight, numbers, expands=id(operator) in expanding)
            case DepthwiseConv2D():
                packed = layout.pack_depthwise(operator.weight, numbers)
            case FullyConnected():
                packed = layout.pack_classifier(operator.weight, numbers)
        total += packed.words.nbytes
    return total


def measure_margin(target: Target, engine: Engine, graph: IntegerGraph) -> Margin:
    """Link a network for the board with more memory than it has, and see what its arena and constants do not explain.

    Raises:
        SixfoldError: a tool is missing or refused.
    """
    assert target.memory is not None
    core = load_core(target.core)
    place = board_placement(target) or placement(target)
    regions = {
        name: MemoryRegion(origin=_ROOM * (index + 1), size=_ROOM) for index, name in enumerate(target.memory.regions)
    }
    roomy = replace(place, memory=Memory(place=target.memory.place, **regions))
    cmsis_nn = find_cmsis_nn().root if engine.name == "cmsis-nn" else None
    with tempfile.TemporaryDirectory(prefix="sixfold-fits-") as name:
        folder = Path(name)
        build = folder / "build"
        build.mkdir()
        program = generate_sources(graph, folder, engine)
        (folder / "model.ld").write_text(emit_linker_script(target.name, roomy))
        kernels = toolchain.Kernels(engine.folder, cmsis_nn)
        firmware = toolchain.build_device(folder, build, core, roomy.board, kernels, roomy.settings)
        used = [_used(elf, regions) for elf in (firmware, firmware.with_name("serial.elf"))]
    taken = {region: max(each[region] for each in used) for region in regions}
    taken[target.memory.place.arena] -= program.plan.arena_bytes
    taken[target.memory.place.weights] -= constant_bytes(engine, graph)
    return Margin(target.memory, taken)


def _used(elf: Path, regions: Mapping[str, MemoryRegion]) -> dict[str, int]:
    """Bytes of each region up to the last that a program occupies, at run time or as initial values."""
    ends = []
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        for section in file.iter_sections():
            if section["sh_flags"] & 2 and section["sh_size"]:  # SHF_ALLOC
                ends.append(section["sh_addr"] + section["sh_size"])
        ends += [segment["p_paddr"] + segment["p_filesz"] for segment in file.iter_segments() if segment["p_filesz"]]
    return {
        name: max((end - region.origin for end in ends if region.origin < end <= region.end), default=0)
        for name, region in regions.items()
    }

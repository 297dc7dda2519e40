"""What a network takes of a board's memories: planned where that is exact, measured where only the linker knows."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from elftools.elf.elffile import ELFFile

from pipeline.backends.cortex_m import toolchain
from pipeline.backends.cortex_m.cmsis_nn_source import find_cmsis_nn
from pipeline.backends.cortex_m.compiler import generate_sources
from pipeline.backends.cortex_m.engine import Engine, Need
from pipeline.backends.cortex_m.kernel import load_core
from pipeline.backends.cortex_m.linker_script import emit_linker_script
from pipeline.backends.cortex_m.machines import board_placement, placement
from pipeline.graph.ir import IntegerGraph
from pipeline.memories import Memory, MemoryRegion
from pipeline.targets import Target

#: More than any network takes here; regions lie this far apart, so that none is ever too small.
_ROOM = 0x0400_0000


@dataclass(frozen=True)
class Margin:
    """What a board's firmware takes beside a network's own need, which all networks of the paper have in common.

    Attributes:
        bytes: by region, of the larger of the firmware for verification and the one for use; stack included.
    """

    memory: Memory
    bytes: Mapping[str, int]

    def fits(self, need: Need) -> bool:
        """Whether a network with this need fits the board."""
        used = dict(self.bytes)
        for region, amount in need.placed(self.memory):
            used[region] += amount
        return all(used[name] <= region.size for name, region in self.memory.regions.items())


def measure_margin(target: Target, engine: Engine, graph: IntegerGraph) -> Margin:
    """Link a network for the board with more memory than it has, and see what its need does not explain.

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
        generate_sources(graph, folder, engine)
        (folder / "model.ld").write_text(emit_linker_script(target.name, roomy))
        kernels = toolchain.Kernels(engine.folder, cmsis_nn)
        firmware = toolchain.build_device(folder, build, core, roomy.board, kernels, roomy.settings)
        used = [_used(elf, regions) for elf in (firmware, firmware.with_name("serial.elf"))]
    taken = {region: max(each[region] for each in used) for region in regions}
    for region, amount in engine.need(graph).placed(target.memory):
        taken[region] -= amount
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

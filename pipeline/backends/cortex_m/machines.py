"""Which board folder of the firmware drives an emulated machine, and where that machine has memory."""

from dataclasses import dataclass

from pipeline.errors import SixfoldError
from pipeline.targets import MemoryRegion, Target


@dataclass(frozen=True)
class Machine:
    """An emulated machine.

    Attributes:
        board: folder in `firmware/boards`.
        flash_origin: address that the core boots from.
        sram_origin: address of the memory that data goes to.
    """

    board: str
    flash_origin: int
    sram_origin: int


MACHINES = {name: Machine("mps2", 0x00000000, 0x20000000) for name in ("mps2-an385", "mps2-an386", "mps2-an500")}


@dataclass(frozen=True)
class Placement:
    """Where the firmware is linked to: the two memories and the board folder."""

    board: str
    flash: MemoryRegion
    sram: MemoryRegion


def placement(target: Target) -> Placement:
    """Memories and board folder of a target.

    A machine that only stands for the board lends its addresses; the sizes stay the board's, so that the linker
    refuses what the board cannot hold.

    Raises:
        SixfoldError: the firmware has no board folder for the target's machine, or the target no memory.
    """
    machine = MACHINES.get(target.runner.machine or "")
    if machine is None or target.memory is None:
        known = ", ".join(MACHINES)
        raise SixfoldError(
            f"targets/{target.name}.yaml: runner.machine: {target.runner.machine} has no folder in firmware/boards; "
            f"there are {known}"
        )
    flash, sram = target.memory.flash, target.memory.sram
    if target.runner.stands_for is not None:
        flash = flash.model_copy(update={"origin": machine.flash_origin})
        sram = sram.model_copy(update={"origin": machine.sram_origin})
    return Placement(machine.board, flash, sram)

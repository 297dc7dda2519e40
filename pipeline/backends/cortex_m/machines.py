"""Emulated machines, and what is linked for a target: for its board, for a machine, or for one that stands for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.errors import SixfoldError
from pipeline.memories import Memory, MemoryRegion
from pipeline.targets import Target


@dataclass(frozen=True)
class Machine:
    """An emulated machine.

    Attributes:
        family: folder in `firmware/boards`.
        flash: where the core boots from.
        sram: memory that data goes to.
    """

    family: str
    flash: MemoryRegion
    sram: MemoryRegion


_MIB = 1024**2


def _machine(family: str, flash: int, sram: int) -> Machine:
    """A machine with 4 MiB each of code memory and RAM, as all of these have."""
    return Machine(family, MemoryRegion(origin=flash, size=4 * _MIB), MemoryRegion(origin=sram, size=4 * _MIB))


_MPS2 = _machine("mps2", 0x00000000, 0x20000000)
MACHINES = {
    "mps2-an385": _MPS2,
    "mps2-an386": _MPS2,
    "mps2-an500": _MPS2,
    "mps2-an505": _machine("sse200", 0x10000000, 0x38000000),
    "mps3-an547": Machine(
        "sse300",
        MemoryRegion(origin=0x00000000, size=512 * 1024),
        MemoryRegion(origin=0x21000000, size=4 * _MIB),
    ),
    "netduinoplus2": Machine(
        "stm32f4",
        MemoryRegion(origin=0x08000000, size=_MIB),
        MemoryRegion(origin=0x20000000, size=128 * 1024),
    ),
}


@dataclass(frozen=True)
class Placement:
    """One firmware of a target: what it is linked for and where.

    Attributes:
        board: folder in `firmware/boards`.
        memory: the regions that the linker fills.
        settings: numbers that the board's start-up is compiled with, by macro name.
    """

    board: str
    memory: Memory
    settings: Mapping[str, int] = field(default_factory=dict)


def placement(target: Target) -> Placement:
    """What the target's runner runs: the firmware for an emulated machine, or for the board at a serial port.

    A machine that only stands for the board lends its addresses; the sizes stay the board's, so that the linker
    refuses what the board cannot hold.

    Raises:
        SixfoldError: no family of the firmware has the target's machine, the target has no memory, or more than the
            machine that stands for it.
    """
    file = f"targets/{target.name}.yaml"
    if target.runner.kind == "serial":
        if target.board is None or target.memory is None:
            raise SixfoldError(f"{file}: board: missing; a target that runs on a board at a serial port needs it")
        return _real_placement(target)
    machine = MACHINES.get(target.runner.machine or "")
    if machine is None or target.memory is None:
        known = ", ".join(MACHINES)
        raise SixfoldError(
            f"{file}: runner.machine: {target.runner.machine} has no folder in firmware/boards; there are {known}"
        )
    if target.runner.stands_for is not None:
        return Placement(machine.family, _moved(target.memory, machine, file))
    if target.board is None:
        return Placement(machine.family, target.memory)
    if target.board.family != machine.family:
        raise SixfoldError(
            f"{file}: board.family: is {target.board.family}, {target.runner.machine} is {machine.family}; "
            "runner.stands_for says that a machine stands for a board of another family"
        )
    return _real_placement(target)


def board_placement(target: Target) -> Placement | None:
    """What is written to the real board where that is another firmware than the emulator runs; else None."""
    if target.runner.stands_for is None or target.board is None:
        return None
    return _real_placement(target)


def _real_placement(target: Target) -> Placement:
    assert target.board is not None and target.memory is not None and target.clock_hz is not None
    return Placement(target.board.family, target.memory, target.board.settings(target.clock_hz))


def _moved(memory: Memory, machine: Machine, file: str) -> Memory:
    """The board's regions one after the other in the machine's two: the stack's first, to be overrun downwards."""
    constant = {"flash", memory.place.weights}
    first = {"flash", memory.place.stack}
    ends = {"flash": machine.flash.origin, "sram": machine.sram.origin}
    moved = {}
    for name, region in sorted(memory.regions.items(), key=lambda entry: entry[0] not in first):
        into, whole = ("flash", machine.flash) if name in constant else ("sram", machine.sram)
        moved[name] = MemoryRegion(origin=ends[into], size=region.size)
        ends[into] = -(-moved[name].end // 32) * 32
        if moved[name].end > whole.end:
            raise SixfoldError(
                f"{file}: memory.{name}: the machine that stands for the board has only {whole.size} bytes for it"
            )
    return Memory(place=memory.place, **moved)

"""A chip to run firmware on: its instructions by Unicorn, its peripherals as registers that keep what was written."""

from collections import defaultdict
from pathlib import Path
from typing import ClassVar

import unicorn
from elftools.elf.elffile import ELFFile
from unicorn import arm_const

from pipeline.targets import Target

CORES = {
    "cortex-m4": arm_const.UC_CPU_ARM_CORTEX_M4,
    "cortex-m7": arm_const.UC_CPU_ARM_CORTEX_M7,
    "cortex-m33": arm_const.UC_CPU_ARM_CORTEX_M33,
}
PAGE = 0x1000


class Chip:
    """A chip whose registers keep what was written, unless a subclass knows better.

    Attributes:
        sent: bytes that left the serial port.
        bauds: baud rates at which they did.
        core_hz: the core's clock now.
        starts: whether oscillators and PLLs do.
    """

    RESET: ClassVar[dict[int, int]] = {}

    def __init__(self, target: Target, starts: bool = True) -> None:
        self.target, self.starts = target, starts
        self.registers: dict[int, int] = defaultdict(int, self.RESET)
        self.sent, self.bauds = bytearray(), set[float]()
        self.cycles = 0

    def read(self, address: int) -> int:
        if address in (0xE0001004, 0x40000024):  # DWT_CYCCNT, TIM2_CNT
            self.cycles += 2000
            return self.cycles % 2**32
        return self.registers[address]

    def write(self, address: int, value: int) -> None:
        self.registers[address] = value

    def send(self, byte: int, baud: float) -> None:
        self.sent.append(byte)
        self.bauds.add(baud)

    def run(self, elf: Path, until: bytes, instructions: int = 20_000_000) -> None:
        """Execute from reset until `until` was sent."""
        assert self.target.memory is not None
        machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        machine.ctl_set_cpu_model(CORES[self.target.core])
        for region in self.target.memory.regions.values():
            machine.mem_map(region.origin // PAGE * PAGE, -(-region.size // PAGE) * PAGE)
        for base, size in ((0x40000000, 0x20000000), (0xE0000000, 0x100000)):
            machine.mmio_map(base, size, self._reader(base), None, self._writer(base, machine, until), None)
        with elf.open("rb") as stream:
            for part in ELFFile(stream).iter_segments():
                if part["p_filesz"]:
                    machine.mem_write(part["p_paddr"], part.data())
        vectors = machine.mem_read(self.target.memory.flash.origin, 8)
        stack, entry = (int.from_bytes(vectors[at : at + 4], "little") for at in (0, 4))
        machine.reg_write(arm_const.UC_ARM_REG_SP, stack)
        self.failure: BaseException | None = None
        machine.emu_start(entry | 1, 0xFFFFFFFE, count=instructions)
        if self.failure is not None:
            raise self.failure

    def _reader(self, base: int):
        def read(machine: unicorn.Uc, offset: int, size: int, _: object) -> int:
            return self._guarded(machine, lambda: self.read(base + offset)) or 0

        return read

    def _writer(self, base: int, _: unicorn.Uc, until: bytes):
        def write(machine: unicorn.Uc, offset: int, size: int, value: int, __: object) -> None:
            self._guarded(machine, lambda: self.write(base + offset, value))
            if self.sent.endswith(until):
                machine.emu_stop()

        return write

    def _guarded(self, machine: unicorn.Uc, access):
        """An exception must not pass through the emulator's C code."""
        try:
            return access()
        except AssertionError as error:
            self.failure = self.failure or error
            machine.emu_stop()

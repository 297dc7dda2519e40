"""Firmware small enough to write in a test, and jobs for every programmer."""

import subprocess
from pathlib import Path

from pipeline.flash import Job
from pipeline.flash.image import read_image
from pipeline.memories import Memory, MemoryRegion
from pipeline.targets import FlashSpec, load_target

MEMORY = Memory(
    flash=MemoryRegion(origin=0x08000000, size=64 * 1024), sram=MemoryRegion(origin=0x20000000, size=64 * 1024)
)

SOURCE = """
int counter = 7;
void start(void) { for (;;) ++*(volatile int *)&counter; }
__attribute__((section(".vectors"), used)) static void *const vectors[] = {(void *)0x20001000, start};
"""
SCRIPT = """
MEMORY { FLASH (rx) : ORIGIN = %#x, LENGTH = 64K  SRAM (rwx) : ORIGIN = 0x20000000, LENGTH = 64K }
SECTIONS {
    .vectors : { __vectors = .; *(.vectors) } > FLASH
    .text : { *(.text*) } > FLASH
    .rodata 0x08001000 : { LONG(0x600DF00D) } > FLASH
    .data : { *(.data*) } > SRAM AT > FLASH
}
"""


def build(folder: Path, origin: int = 0x08000000) -> Path:
    """An ELF file with four sections, two of them apart from the others."""
    (folder / "start.c").write_text(SOURCE)
    (folder / "start.ld").write_text((SCRIPT % origin).replace("0x08001000", f"{origin + 0x1000:#x}"))
    elf = folder / "serial.elf"
    flags = ("-mcpu=cortex-m4", "-mthumb", "-nostdlib", "-Wl,--build-id=none", "-e", "start")
    command = ["arm-none-eabi-gcc", *flags, f"-T{folder / 'start.ld'}", str(folder / "start.c"), "-o", str(elf)]
    subprocess.run(command, check=True)
    return elf


def job(elf: Path, **flash: object) -> Job:
    """A job for the netduino's core and our memory."""
    spec = FlashSpec.model_validate(flash)
    target = load_target("netduino-plus-2").model_copy(update={"memory": MEMORY, "flash": spec})
    return Job(target, spec, read_image(elf, MEMORY))

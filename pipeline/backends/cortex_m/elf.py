"""Memory that an inference takes, read from the linked file."""

from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile


@dataclass(frozen=True)
class Sizes:
    """Bytes of a firmware, without what only the evaluation needs.

    The linker script (templates/model.ld.j2) puts the evaluation app, its file access and the timer into sections of
    their own, ``.app_*``, and reserves the stack in ``.stack``; everything else counts, start-up code and C library
    included, so that nothing that an inference needs can be forgotten.

    Attributes:
        code_bytes: vectors and machine code of kernels, model, start-up and library.
        flash_bytes: code, constants (weights) and the initial values of data.
        ram_bytes: static memory: the arena with input, activations and scratch, and all other data. No stack.
    """

    code_bytes: int
    flash_bytes: int
    ram_bytes: int


_CODE = (".vectors", ".text")
_CONSTANTS = (".weights", ".rodata")
_INITIALISED = (".data",)
_ZEROED = (".arena", ".bss")


def read_sizes(path: Path) -> Sizes:
    """Add up the sections of a firmware linked with our script."""
    with path.open("rb") as stream:
        sections = {section.name: int(section["sh_size"]) for section in ELFFile(stream).iter_sections()}

    def total(*groups: tuple[str, ...]) -> int:
        return sum(sections.get(name, 0) for group in groups for name in group)

    return Sizes(
        code_bytes=total(_CODE),
        flash_bytes=total(_CODE, _CONSTANTS, _INITIALISED),
        ram_bytes=total(_INITIALISED, _ZEROED),
    )

"""What of an ELF file goes to a board's memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from elftools.elf.segments import Segment as ELFSegment

from pipeline.errors import SixfoldError
from pipeline.memories import Memory


@dataclass(frozen=True)
class Segment:
    """Bytes and the address that they are loaded to."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        """First address after it."""
        return self.address + len(self.data)


@dataclass(frozen=True)
class Image:
    """A firmware as it lies in flash.

    Attributes:
        elf: the file, an absolute path.
        segments: sorted by address; they do not overlap and are not empty.
        sections: names of the sections that are loaded, with their sizes in bytes.
        vectors: address of the vector table, whose first two words are the stack and the entry.
    """

    elf: Path
    segments: tuple[Segment, ...]
    sections: dict[str, int]
    vectors: int

    @property
    def size(self) -> int:
        """Bytes to write."""
        return sum(len(segment.data) for segment in self.segments)


def read_image(elf: Path, memory: Memory) -> Image:
    """Read what is to be loaded and check that it is meant for this memory.

    Args:
        elf: a firmware linked with our linker script.
        memory: the board's; what is loaded must lie in one of its regions.

    Raises:
        SixfoldError: no such firmware, or one linked for another memory.
    """
    try:
        with elf.open("rb") as stream:
            file = ELFFile(stream)
            if file["e_machine"] != "EM_ARM":
                raise SixfoldError(f"{elf}: is no program for an Arm core; build it again")
            segments = tuple(
                sorted(
                    (Segment(int(part["p_paddr"]), part.data()) for part in _loaded(file)),
                    key=lambda segment: segment.address,
                )
            )
            sections = {
                section.name: int(section["sh_size"])
                for section in file.iter_sections()
                if section["sh_type"] == "SHT_PROGBITS" and int(section["sh_flags"]) & 2 and section["sh_size"]
            }
            symbols = file.get_section_by_name(".symtab")
            found = symbols.get_symbol_by_name("__vectors") if isinstance(symbols, SymbolTableSection) else None
            vectors = int(found[0]["st_value"]) if found else None
    except (OSError, ELFError) as error:
        raise SixfoldError(f"{elf}: cannot be read as a firmware ({error}); build it again") from error
    if vectors is None or not segments:
        raise SixfoldError(f"{elf}: has no vector table; build it again")
    _check_place(elf, segments, memory)
    return Image(elf.resolve(), segments, sections, vectors)


def _loaded(file: ELFFile) -> list[ELFSegment]:
    return [part for part in file.iter_segments() if part["p_type"] == "PT_LOAD" and part["p_filesz"]]


def _check_place(elf: Path, segments: Sequence[Segment], memory: Memory) -> None:
    for segment in segments:
        if not any(
            region.origin <= segment.address and segment.end <= region.end for region in memory.regions.values()
        ):
            raise SixfoldError(
                f"{elf}: {segment.address:#x}..{segment.end:#x} is in no memory of the target; build it again"
            )

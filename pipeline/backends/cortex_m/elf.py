"""What the linked file says: the memory that an inference takes, and which kernels it was built with."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section, Symbol, SymbolTableSection

from pipeline.backends.cortex_m import instructions
from pipeline.backends.cortex_m.kernel import Core, Kernel
from pipeline.errors import SixfoldError


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
        largest: the largest symbols of ``flash`` and ``ram``, each with ``name`` and ``bytes``; the stack that is
            reserved is one of ``ram``.
    """

    code_bytes: int
    flash_bytes: int
    ram_bytes: int
    largest: Mapping[str, list[dict[str, str | int]]]


_CODE = (".vectors", ".text")
_CONSTANTS = (".weights", ".rodata")
_INITIALISED = (".data",)
_ZEROED = (".arena", ".bss")
_MEMORIES = {"flash": (*_CODE, *_CONSTANTS, *_INITIALISED), "ram": (*_INITIALISED, *_ZEROED, ".stack")}
_MOST_SYMBOLS = 15


def read_sizes(path: Path) -> Sizes:
    """Add up the sections and rank the symbols of a firmware linked with our script."""
    with path.open("rb") as stream:
        file = ELFFile(stream)
        sections = {section.name: int(section["sh_size"]) for section in file.iter_sections()}
        symbols = list(_sized_symbols(file))

    def total(*groups: tuple[str, ...]) -> int:
        return sum(sections.get(name, 0) for group in groups for name in group)

    return Sizes(
        code_bytes=total(_CODE),
        flash_bytes=total(_CODE, _CONSTANTS, _INITIALISED),
        ram_bytes=total(_INITIALISED, _ZEROED),
        largest={
            memory: _largest([(name, size) for section, name, size in symbols if section in wanted])
            for memory, wanted in _MEMORIES.items()
        },
    )


def _sized_symbols(file: ELFFile) -> Iterator[tuple[str, str, int]]:
    """Section, name and size of every function and variable, and of the stack, which is none."""
    names = [section.name for section in file.iter_sections()]
    for symbol in _symbols(file):
        index = symbol["st_shndx"]
        if symbol["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT") and symbol["st_size"] and isinstance(index, int):
            yield names[index], symbol.name, symbol["st_size"]
    stack = file.get_section_by_name(".stack")
    if stack is not None:
        yield ".stack", "stack (reserved)", stack["sh_size"]


def _largest(symbols: list[tuple[str, int]]) -> list[dict[str, str | int]]:
    ranked = sorted(symbols, key=lambda row: (-row[1], row[0]))
    return [{"name": name, "bytes": size} for name, size in ranked[:_MOST_SYMBOLS]]


def check_linked(path: Path, kernels: Mapping[str, Kernel], core: Core) -> None:
    """Check that every function that the chosen kernels rest on is in the firmware, in the variant for this core.

    A slow fallback gives the same outputs, so nothing but this would notice it.

    Args:
        path: the linked firmware.
        kernels: kernel by the name of the layer that it computes.
        core: what the firmware is for.

    Raises:
        SixfoldError: a function is missing, or has none of the vector instructions that make it worth its place.
    """
    code = _functions(path)
    for layer, kernel in kernels.items():
        for function, wanted in (kernel.linked or {kernel.function: None}).items():
            if function not in code:
                raise SixfoldError(
                    f"layer {layer}: {function} is not in the firmware, though {kernel.function} needs it; the kernels "
                    "that were compiled are not those that the code generator chose"
                )
            if wanted is not None and not any(instructions.count(part, wanted) for part in code[function]):
                raise SixfoldError(
                    f"layer {layer}: {function} has no {wanted} instruction: it was compiled without the vector "
                    f"instructions of {core.name} (compiler flags: {core.flags})"
                )


def _functions(path: Path) -> dict[str, tuple[bytes, ...]]:
    """Machine code of every function, without the constants between the instructions."""
    with path.open("rb") as stream:
        file = ELFFile(stream)
        sections = list(file.iter_sections())
        symbols = list(_symbols(file))
        # "$t" begins code and "$d" data (ELF for the Arm Architecture, section 5.5.5).
        marks = sorted(
            (symbol["st_value"] & ~1, symbol.name[:2]) for symbol in symbols if symbol.name[:2] in ("$t", "$d")
        )
        functions = {}
        for symbol in symbols:
            index = symbol["st_shndx"]
            if symbol["st_info"]["type"] == "STT_FUNC" and isinstance(index, int) and symbol["st_size"]:
                begin = symbol["st_value"] & ~1  # bit 0 says Thumb
                spans = _code_spans(begin, begin + symbol["st_size"], marks)
                functions[symbol.name] = tuple(_read(sections[index], span) for span in spans)
    return functions


def _symbols(file: ELFFile) -> Iterator[Symbol]:
    table = file.get_section_by_name(".symtab")
    if isinstance(table, SymbolTableSection):
        yield from table.iter_symbols()


def _code_spans(begin: int, end: int, marks: list[tuple[int, str]]) -> Iterator[tuple[int, int]]:
    """The parts of ``begin..end`` that are code; without any mark all of it."""
    kind = "$t"
    at = bisect_right(marks, (begin, "$z"))
    if at:
        kind = marks[at - 1][1]
    for address, following in [*_within(marks[at:], end), (end, "$d")]:
        if kind == "$t" and address > begin:
            yield begin, address
        begin, kind = address, following


def _within(marks: Iterable[tuple[int, str]], end: int) -> Iterator[tuple[int, str]]:
    for address, kind in marks:
        if address >= end:
            return
        yield address, kind


def _read(section: Section, span: tuple[int, int]) -> bytes:
    start = span[0] - section["sh_addr"]
    data: bytes = section.data()[start : start + span[1] - span[0]]
    return data

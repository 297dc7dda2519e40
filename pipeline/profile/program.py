"""What a firmware's ELF file says: where its functions and tables lie, and which instruction is at an address."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from pipeline.errors import SixfoldError

_OBJDUMP = "arm-none-eabi-objdump"
#: All of the architecture that any of our cores has: without it, Helium is printed as bytes. Encodings do not clash.
_ARCHITECTURE = ("-m", "armv8.1-m.main", "-M", "force-thumb")
_FUNCTION = re.compile(r"([0-9a-f]+) <(.+)>:")
_INSTRUCTION = re.compile(r"\s*([0-9a-f]+):\t[0-9a-f ]+\t(\S+)\s*([^@;]*)")


@dataclass(frozen=True)
class Instruction:
    """One of the program.

    Attributes:
        function: that it is in.
        mnemonic: with condition and size, as objdump writes it.
        operands: likewise, without comments.
    """

    function: str
    mnemonic: str
    operands: str


#: First byte, and the one after the last.
Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Symbols:
    """Where things lie.

    Attributes:
        file: for messages.
        functions: all of them by name; of several static ones with a name, any.
        units: by compilation unit its static functions and variables.
    """

    file: Path
    functions: Mapping[str, Span]
    units: Mapping[str, Mapping[str, Span]]

    def function(self, name: str) -> Span:
        """A function.

        Raises:
            SixfoldError: there is none.
        """
        if name not in self.functions:
            raise SixfoldError(f"{self.file}: has no function {name}; build it again")
        return self.functions[name]


def read_symbols(elf: Path) -> Symbols:
    """Read a program's symbol table; one without has no symbols."""
    functions: dict[str, Span] = {}
    units: dict[str, dict[str, Span]] = defaultdict(dict)
    unit = ""
    with elf.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
            kind, bind = symbol["st_info"]["type"], symbol["st_info"]["bind"]
            if kind == "STT_FILE":
                unit = symbol.name
            elif kind in ("STT_FUNC", "STT_OBJECT") and symbol["st_size"]:
                # Bit 0 of a function's address says Thumb.
                first = symbol["st_value"] & ~1 if kind == "STT_FUNC" else symbol["st_value"]
                span = (first, first + symbol["st_size"])
                if kind == "STT_FUNC":
                    functions[symbol.name] = span
                if bind == "STB_LOCAL":
                    units[unit][symbol.name] = span
    return Symbols(elf, functions, units)


def read_instructions(elf: Path) -> Mapping[int, Instruction]:
    """Every instruction of a firmware by its address.

    Raises:
        SixfoldError: the disassembler is missing or refuses the file.
    """
    command = [_OBJDUMP, "-d", *_ARCHITECTURE, str(elf)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, check=False)
    except FileNotFoundError as error:
        raise SixfoldError(f"{_OBJDUMP}: not found; run `make setup`, which installs it") from error
    if done.returncode != 0:
        raise SixfoldError(f"{_OBJDUMP} failed: {done.stderr.strip()}")
    return dict(_parse(done.stdout))


def _parse(text: str) -> Iterator[tuple[int, Instruction]]:
    function = ""
    for line in text.splitlines():
        if begins := _FUNCTION.fullmatch(line):
            function = begins[2]
        elif found := _INSTRUCTION.match(line):
            yield int(found[1], 16), Instruction(function, found[2], found[3].strip())

"""What a firmware's ELF file says: where its layers begin, and which instruction is at an address."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from pipeline.errors import SixfoldError

#: Executed before and after an inference, at no other time in between (`firmware/apps/evaluate.c`).
CLOCK = "sixfold_timer_ticks"
#: Calls one layer after the other.
RUNTIME = "sixfold_invoke"
#: The compilation unit of the generated model, with a function for every layer (`templates/model.c.j2`).
MODEL = "model.c"

_OBJDUMP = "arm-none-eabi-objdump"
#: All of the architecture that any of our cores has: without it, Helium is printed as bytes. Encodings do not clash.
_ARCHITECTURE = ("-m", "armv8.1-m.main", "-M", "force-thumb")
_LAYER = re.compile(r"layer_(\d+)")
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


@dataclass(frozen=True)
class Mark:
    """Code after which a part of the inference runs, until another part's does: `part` 0 is the runtime, 1 layer 0."""

    first: int
    last: int
    part: int


@dataclass(frozen=True)
class Marks:
    """Where parts of an inference are told apart.

    Attributes:
        clock: address of :data:`CLOCK`.
        marks: sorted, apart from each other.
    """

    clock: int
    marks: tuple[Mark, ...]


def read_marks(elf: Path, layers: int) -> Marks:
    """Find what tells the layers apart: the function that the generated model has for each.

    Args:
        elf: a firmware for evaluation.
        layers: how many there are.

    Raises:
        SixfoldError: a layer has no function of its own, or the program has other functions than expected.
    """
    functions, of_layers = {}, {}
    with elf.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        unit = ""
        for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
            kind, first = symbol["st_info"]["type"], symbol["st_value"] & ~1  # bit 0 says Thumb
            if kind == "STT_FILE":
                unit = symbol.name
            elif kind == "STT_FUNC":
                functions[symbol.name] = (first, first + symbol["st_size"])
                if unit == MODEL and (layer := _LAYER.fullmatch(symbol.name)):
                    of_layers[int(layer[1])] = functions[symbol.name]
    for name in (CLOCK, RUNTIME):
        if name not in functions:
            raise SixfoldError(f"{elf}: has no function {name}; build it again")
    if sorted(of_layers) != list(range(layers)):
        raise SixfoldError(f"{elf}: has functions of {len(of_layers)} layers, the model has {layers}; build it again")
    parts = {0: functions[RUNTIME], **{layer + 1: span for layer, span in of_layers.items()}}
    marks = (Mark(first, last, part) for part, (first, last) in parts.items())
    return Marks(functions[CLOCK][0], tuple(sorted(marks, key=lambda mark: mark.first)))


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

"""Writing a firmware to a board: what a programmer is, and which there are. One module each."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from pipeline.flash.image import Image
from pipeline.targets import FlashSpec, Target

PROGRAMMER_MODULES = {
    "gdb": "pipeline.flash.gdb",
    "pyocd": "pipeline.flash.pyocd",
    "openocd": "pipeline.flash.openocd",
    "uf2": "pipeline.flash.uf2",
}


@dataclass(frozen=True)
class Job:
    """What is to be written, and where to.

    Attributes:
        spec: the target's `flash`.
        server: kind gdb: takes the place of the one in the target's file.
        probe: kinds pyocd and openocd: the serial number of one of several debug probes.
        drive: kind uf2: where the boot loader's drive is mounted, if it is not to be looked for.
    """

    target: Target
    spec: FlashSpec
    image: Image
    server: str | None = None
    probe: str | None = None
    drive: Path | None = None


@dataclass(frozen=True)
class Plan:
    """What a programmer does, to the letter.

    Attributes:
        files: name to content of what is written first, into the folder that the commands run in.
        commands: programs with their arguments, in order; each is run only if the one before did its part.
    """

    commands: tuple[tuple[str, ...], ...]
    files: Mapping[str, str | bytes] = field(default_factory=dict)


class Programmer(Protocol):
    """What a programmer's module offers."""

    def plan(self, job: Job) -> Plan:
        """What :meth:`write` will do; nothing is touched.

        Raises:
            SixfoldError: the job lacks something.
        """

    def write(self, job: Job) -> str:
        """Write the image to the board, verify it and start it.

        Returns:
            How it was verified, in a few words.

        Raises:
            SixfoldError: no board, the wrong chip (nothing is written then), a lost connection, or a board that does
                not hold what was written. Doing it again is always safe.
        """


def load_programmer(kind: str) -> Programmer:
    """Import the programmer of a kind only when it is used."""
    return cast(Programmer, importlib.import_module(PROGRAMMER_MODULES[kind]))

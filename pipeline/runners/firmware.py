"""What backend `cortex-m` wrote, as those who run it or write it to a board read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import SixfoldError
from pipeline.files import read_json, sha256_file

if TYPE_CHECKING:  # who writes a firmware to a board need not wait for NumPy
    from pipeline.graph.ir import Int8Array

#: The programs of an artefact and the field of `model.json` with their SHA-256: for verification, and for use.
EVALUATION = ("firmware.elf", "elf_sha256")
SERIAL = ("serial.elf", "serial_sha256")


@dataclass(frozen=True)
class FirmwareArtefact:
    """What `model.json` and `memory.json` say.

    Attributes:
        elf: the absolute path of one of the artefact's programs, unchanged since it was built.
        sha256: of the integer graph.
        layers: name and multiply-accumulates of each layer, in order.
    """

    elf: Path
    sha256: bytes
    input_shape: tuple[int, int, int]
    classes: int
    layers: tuple[tuple[str, int], ...]
    tools: dict[str, str]
    flash_bytes: int
    ram_bytes: int

    def check_inputs(self, inputs: Int8Array) -> None:
        """Raise unless `inputs` are one or more samples for this model.

        Raises:
            SixfoldError: another type or shape.
        """
        if inputs.dtype.name != "int8" or inputs.shape[1:] != self.input_shape or not len(inputs):
            raise SixfoldError(
                f"{self.elf.parent}: takes int8 samples of shape {self.input_shape}, got {inputs.dtype} {inputs.shape}"
            )


def read_artefact(folder: Path, program: tuple[str, str]) -> FirmwareArtefact:
    """Read an artefact's descriptions and check one of its programs.

    Args:
        folder: what backend `cortex-m` wrote.
        program: :data:`EVALUATION` or :data:`SERIAL`.

    Raises:
        SixfoldError: a description is missing or incomplete, or the program is not the one described.
    """
    model, memory = read_json(folder / "model.json"), read_json(folder / "memory.json")
    name, digest = program
    elf = folder / name
    try:
        height, width, channels = model["input"]
        artefact = FirmwareArtefact(
            # Tools that read it run in folders of their own, so the path must not depend on ours.
            elf=elf.resolve(),
            sha256=bytes.fromhex(model["sha256"]),
            input_shape=(int(height), int(width), int(channels)),
            classes=int(model["classes"]),
            layers=tuple((str(layer["name"]), int(layer["macs"])) for layer in model["layers"]),
            tools={str(tool): str(version) for tool, version in model["tools"].items()},
            flash_bytes=int(memory["flash_bytes"]),
            ram_bytes=int(memory["ram_bytes"]),
        )
        expected = str(model[digest])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SixfoldError(f"{folder}: model.json or memory.json is incomplete ({error!r}); build it again") from error
    # An emulator would run any other file as a raw memory image, with results that explain nothing.
    if not elf.is_file() or sha256_file(elf) != expected:
        raise SixfoldError(f"{elf}: missing, or not the file that model.json describes; build it again")
    return artefact

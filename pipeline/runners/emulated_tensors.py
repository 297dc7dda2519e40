"""Every activation of an inference on an emulated board, read out of its memory between the layers.

The firmware is the one that is verified, byte for byte: QEMU's GDB stub stops it after each layer, and the memory plan
says where that layer's output lies.
"""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.graph.ir import Int8Array
from pipeline.progress import progress_bar
from pipeline.runners.firmware import FirmwareArtefact
from pipeline.runners.gdb_remote import ANSWER_S, GdbRemote

_STUB = "gdb.sock"
_POLL_S = 0.02
#: The evaluation program runs one inference layer by layer, each by a call of this.
_LAYER = "sixfold_run_layer"
_ARENA = "arena"


@dataclass(frozen=True)
class _Place:
    """Where a buffer lies in the arena, in bytes, and the layer that writes it first."""

    name: str
    layer: int
    offset: int
    size: int


def read_tensors(command: Sequence[str], folder: Path, built: FirmwareArtefact) -> dict[str, Int8Array]:
    """Run an emulator and read the output of each layer of the inference that its program runs layer by layer.

    Args:
        command: the emulator with its arguments.
        folder: where it runs, and finds its inputs.
        built: the artefact that it runs.

    Returns:
        Flat int8 by the name of the buffer, each as the layer left it that writes it first; the input's and the
        kernels' own buffers are among them.

    Raises:
        SixfoldError: the artefact is incomplete, or emulator or firmware failed.
    """
    places = _places(built.elf.parent)
    entry, arena = _addresses(built.elf, (_LAYER, _ARENA))
    stub = ["-S", "-chardev", f"socket,id=stub,path={_STUB},server=on,wait=off", "-gdb", "chardev:stub"]
    process = subprocess.Popen(
        [*command, *stub], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        remote = _connect(process, folder / _STUB, command[0])
        try:
            return _read_all(remote, entry & ~1, arena, built, places)
        finally:
            remote.close()
    finally:
        process.kill()
        process.wait()


def _read_all(
    remote: GdbRemote, entry: int, arena: int, built: FirmwareArtefact, places: Sequence[_Place]
) -> dict[str, Int8Array]:
    found = {}
    with progress_bar("reading layers", len(built.layers)) as advance:
        for layer in range(len(built.layers)):
            remote.run_to(entry)
            remote.run_to(remote.link_register())
            for place in places:
                if place.layer == layer:
                    found[place.name] = np.frombuffer(remote.read(arena + place.offset, place.size), np.int8)
            advance(1)
    return found


def _connect(process: "subprocess.Popen[Any]", stub: Path, program: str) -> GdbRemote:
    deadline = time.monotonic() + ANSWER_S
    while True:
        try:
            return GdbRemote.connect(stub)
        except OSError as error:
            if process.poll() is not None:
                raise SixfoldError(f"{program}: ended before it could be asked") from error
            if time.monotonic() > deadline:
                raise SixfoldError(f"{stub.name}: no GDB stub after {ANSWER_S:g} s ({error})") from error
        time.sleep(_POLL_S)


def _places(folder: Path) -> list[_Place]:
    path = folder / "memory.json"
    try:
        return [
            _Place(str(row["name"]), int(row["first_layer"]), int(row["offset"]), int(row["size"]))
            for row in read_json(path)["plan"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise SixfoldError(f"{path}: plan: incomplete ({error!r}); build it again") from error


def _addresses(elf: Path, names: Sequence[str]) -> list[int]:
    try:
        with elf.open("rb") as stream:
            table: Any = ELFFile(stream).get_section_by_name(".symtab")
            return [int(table.get_symbol_by_name(name)[0]["st_value"]) for name in names]
    except (ELFError, OSError, TypeError, AttributeError) as error:
        raise SixfoldError(f"{elf}: has no symbols {', '.join(names)}; build it again") from error

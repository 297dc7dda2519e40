"""Programmer `uf2`: a file copied to the drive that a chip's boot ROM shows, such as the Pico 2's after BOOTSEL.

The format is Microsoft's UF2 (github.com/microsoft/uf2): 512-byte blocks that carry 256 bytes and their address, so
that a boot loader can take them in any order and knows when it has them all. Until then nothing starts; a copy that
breaks off is repeated.
"""

import os
import re
import struct
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import SixfoldError
from pipeline.flash import Job, Plan
from pipeline.flash.image import Segment

#: Family of the boot loader to the identifier in its UF2 blocks and its name in `INFO_UF2.TXT` (RP2350 datasheet, 5.5).
FAMILIES = {"rp2350-arm-s": (0xE48BFF59, "RP2350")}
FILE = "sixfold.uf2"
MOUNTS = Path("/proc/mounts")

_PAYLOAD = 256
_BLOCK = struct.Struct("<8I476sI")
_MAGIC = (0x0A324655, 0x9E5D5157)
_MAGIC_END = 0x0AB16F30
_FLAG_FAMILY = 0x2000
_CHUNK = 1 << 16
_MOST_INFO_BYTES = 4096


def plan(job: Job) -> Plan:
    """The file, and the copy that stands for what is done."""
    drive = str(job.drive) if job.drive is not None else f"<drive {_board(job)}>"
    return Plan(files={FILE: encode(job.image.segments, _family(job))}, commands=(("cp", FILE, drive),))


def write(job: Job) -> str:
    """Copy the file to the boot loader's drive."""
    drive = job.drive if job.drive is not None else _find_drive(_board(job))
    _check_board(drive, _board(job))
    _copy(encode(job.image.segments, _family(job)), drive / FILE)
    return "a boot loader's drive cannot be read back; --port asks the firmware itself"


def encode(segments: Sequence[Segment], family: int) -> bytes:
    """The UF2 file of an image: whole pages of 256 bytes, what is between segments filled with 0xFF."""
    pages: dict[int, bytearray] = {}
    for segment in segments:
        for offset, byte in enumerate(segment.data):
            page, place = divmod(segment.address + offset, _PAYLOAD)
            pages.setdefault(page, bytearray(b"\xff" * _PAYLOAD))[place] = byte
    return b"".join(
        _BLOCK.pack(
            *_MAGIC, _FLAG_FAMILY, page * _PAYLOAD, _PAYLOAD, number, len(pages), family, bytes(content), _MAGIC_END
        )
        for number, (page, content) in enumerate(sorted(pages.items()))
    )


def _family(job: Job) -> int:
    return FAMILIES[str(job.spec.family)][0]


def _board(job: Job) -> str:
    return FAMILIES[str(job.spec.family)][1]


def _find_drive(board: str) -> Path:
    """The one mounted drive of a boot loader."""
    try:
        mounts = [line.split(" ")[1] for line in MOUNTS.read_text(errors="replace").splitlines() if " " in line]
    except OSError as error:
        raise SixfoldError(f"{MOUNTS}: cannot be read ({error.strerror}); give --drive FOLDER") from error
    # The kernel writes spaces and the like in mount points as octal escapes.
    folders = [Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), mount)) for mount in mounts]
    drives = [folder for folder in folders if (folder / "INFO_UF2.TXT").is_file()]
    if not drives:
        raise SixfoldError(
            "no board found: no boot loader's drive is mounted; hold BOOTSEL while you plug the board in, mount the "
            f"drive {board}, or name its folder with --drive"
        )
    if len(drives) > 1:
        raise SixfoldError(f"several boot loaders' drives are mounted ({', '.join(map(str, drives))}); give --drive")
    return drives[0]


def _check_board(drive: Path, board: str) -> None:
    info = drive / "INFO_UF2.TXT"
    try:
        with info.open("rb") as stream:
            text = stream.read(_MOST_INFO_BYTES).decode(errors="replace")
    except OSError as error:
        raise SixfoldError(f"{info}: cannot be read ({error.strerror}): {drive} is no boot loader's drive") from error
    identifier = re.search(r"^Board-ID:\s*(\S+)", text, flags=re.MULTILINE)
    if identifier is None or identifier[1] != board:
        found = identifier[1] if identifier else "unknown"
        raise SixfoldError(f"{drive}: wrong chip: its boot loader is {found}, not {board}; nothing was written")


def _copy(content: bytes, path: Path) -> None:
    written = 0
    try:
        # Not to a temporary name: the boot loader reads blocks, not names, and restarts the board at the last one.
        with path.open("wb", buffering=0) as stream:
            while written < len(content):
                written += stream.write(content[written : written + _CHUNK])
            os.fsync(stream.fileno())
    except OSError as error:
        if written == len(content) and not path.parent.is_mount():
            return  # the chip restarts at the last block, and takes its drive away before the system is done with it
        raise SixfoldError(
            f"{path}: writing broke off after {written} of {len(content)} bytes ({error.strerror}): the board still "
            "waits for the rest; plug it in with BOOTSEL held and flash it again"
        ) from error

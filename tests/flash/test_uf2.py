"""UF2 files and a folder that pretends to be a boot loader's drive."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SixfoldError
from pipeline.flash import uf2
from pipeline.flash.image import Segment
from tests.flash.jobs import job

INFO = "UF2 Bootloader v1.0\nModel: Raspberry Pi RP2350\nBoard-ID: RP2350\n"
FAMILY = 0xE48BFF59


def decode(content: bytes) -> dict[int, bytes]:
    """Address to bytes, reading the format as its specification has it."""
    memory = {}
    assert len(content) % 512 == 0
    count = len(content) // 512
    for number in range(count):
        block = content[512 * number : 512 * (number + 1)]
        first, second, flags, address, size, index, total, family = struct.unpack_from("<8I", block)
        assert (first, second) == (0x0A324655, 0x9E5D5157)
        assert struct.unpack_from("<I", block, 508) == (0x0AB16F30,)
        assert (flags, size, index, total, family) == (0x2000, 256, number, count, FAMILY)
        assert address % 256 == 0
        memory[address] = block[32 : 32 + 256]
        assert not any(block[32 + 256 : 508])
    return memory


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "a drive"
    folder.mkdir()
    (folder / "INFO_UF2.TXT").write_text(INFO)
    mount = str(folder).replace(" ", "\\040")
    (tmp_path / "mounts").write_text(f"proc /proc proc rw 0 0\n/dev/sda1 {mount} vfat rw 0 0\n")
    monkeypatch.setattr(uf2, "MOUNTS", tmp_path / "mounts")
    return folder


@given(st.dictionaries(st.integers(0, 20), st.binary(min_size=1, max_size=700), min_size=1), st.integers(0, 255))
def test_every_byte_is_where_the_image_has_it_and_all_else_is_erased(parts: dict[int, bytes], shift: int) -> None:
    segments = [Segment(0x10000000 + 1024 * at + shift, data) for at, data in sorted(parts.items())]
    memory = decode(uf2.encode(segments, FAMILY))
    expected = {segment.address + i: byte for segment in segments for i, byte in enumerate(segment.data)}
    for page, content in memory.items():
        assert any(page <= address < page + 256 for address in expected)
        for offset, byte in enumerate(content):
            assert byte == expected.pop(page + offset, 0xFF)
    assert not expected


def test_the_file_is_copied_to_the_drive_that_is_mounted(elf: Path, drive: Path) -> None:
    wanted = job(elf, kind="uf2", family="rp2350-arm-s")
    told = uf2.write(wanted)
    assert told == "a boot loader's drive cannot be read back; --port asks the firmware itself"
    memory = decode((drive / "sixfold.uf2").read_bytes())
    for segment in wanted.image.segments:
        for offset, byte in enumerate(segment.data):
            page, place = divmod(segment.address + offset, 256)
            assert memory[page * 256][place] == byte


def test_a_drive_can_be_named(elf: Path, drive: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "INFO_UF2.TXT").write_text(INFO)
    uf2.write(replace(job(elf, kind="uf2", family="rp2350-arm-s"), drive=other))
    assert (other / "sixfold.uf2").is_file() and not (drive / "sixfold.uf2").exists()


def test_without_a_drive_it_says_how_to_get_one(elf: Path, drive: Path) -> None:
    (drive / "INFO_UF2.TXT").unlink()
    with pytest.raises(
        SixfoldError, match=r"^no board found: no boot loader's drive is mounted; hold BOOTSEL .* RP2350"
    ):
        uf2.write(job(elf, kind="uf2", family="rp2350-arm-s"))


def test_of_two_drives_one_must_be_named(elf: Path, drive: Path, tmp_path: Path) -> None:
    mounts = uf2.MOUNTS
    mounts.write_text(mounts.read_text() * 2)
    with pytest.raises(SixfoldError, match="several boot loaders' drives are mounted .*; give --drive$"):
        uf2.write(job(elf, kind="uf2", family="rp2350-arm-s"))


@pytest.mark.parametrize(("info", "found"), [("Board-ID: RPI-RP2\n", "RPI-RP2"), ("nothing", "unknown")])
def test_another_chips_drive_is_left_alone(elf: Path, drive: Path, info: str, found: str) -> None:
    (drive / "INFO_UF2.TXT").write_text(info)
    with pytest.raises(SixfoldError, match=f"wrong chip: its boot loader is {found}, not RP2350; nothing was written$"):
        uf2.write(job(elf, kind="uf2", family="rp2350-arm-s"))
    assert not (drive / "sixfold.uf2").exists()


def test_a_folder_that_is_no_drive_is_refused(elf: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SixfoldError, match=r"INFO_UF2\.TXT: cannot be read \(No such file or directory\): .* is no boot"
    ):
        uf2.write(replace(job(elf, kind="uf2", family="rp2350-arm-s"), drive=tmp_path))


def test_a_drive_that_goes_away_is_one_line_and_a_retry_works(elf: Path, drive: Path) -> None:
    (drive / "sixfold.uf2").symlink_to("/dev/full")
    wanted = job(elf, kind="uf2", family="rp2350-arm-s")
    with pytest.raises(
        SixfoldError, match=r"writing broke off after 0 of \d+ bytes \(No space left on device\): the boa"
    ):
        uf2.write(wanted)
    (drive / "sixfold.uf2").unlink()
    uf2.write(wanted)
    assert decode((drive / "sixfold.uf2").read_bytes())

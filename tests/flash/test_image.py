"""What of a file is written, and files that are not for a board."""

from pathlib import Path

import pytest

from pipeline.errors import SixfoldError
from pipeline.flash.cores import check_core
from pipeline.flash.image import read_image
from pipeline.memories import Memory, MemoryRegion
from tests.flash.jobs import MEMORY, build


def test_an_image_is_what_is_loaded_and_nothing_else(elf: Path) -> None:
    image = read_image(elf, MEMORY)
    assert image.vectors == 0x08000000
    assert set(image.sections) == {".vectors", ".text", ".rodata", ".data"}
    contents = {segment.address: segment.data for segment in image.segments}
    assert contents[0x08000000][:4] == (0x20001000).to_bytes(4, "little")
    assert b"".join(contents.values()).count((0x600DF00D).to_bytes(4, "little")) == 1
    assert image.size == sum(map(len, contents.values())) >= sum(image.sections.values())
    assert b"".join(contents.values()).endswith((7).to_bytes(4, "little"))  # the initial value, not its address in RAM


def test_a_file_for_another_memory_is_refused(tmp_path: Path) -> None:
    elf = build(tmp_path, origin=0x10000000)
    with pytest.raises(
        SixfoldError, match=r"serial\.elf: 0x10000000\.\..* is in no memory of the target; build it again"
    ):
        read_image(elf, MEMORY)
    small = Memory(flash=MemoryRegion(origin=0x10000000, size=0x1000), sram=MEMORY.sram)
    with pytest.raises(SixfoldError, match=r"\.\.0x1000100\d is in no memory"):
        read_image(elf, small)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x7fELF"])
def test_what_is_no_firmware_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "serial.elf").write_bytes(content)
    with pytest.raises(SixfoldError, match=r"serial\.elf: cannot be read as a firmware"):
        read_image(tmp_path / "serial.elf", MEMORY)
    with pytest.raises(SixfoldError, match=r"missing\.elf: cannot be read as a firmware"):
        read_image(tmp_path / "missing.elf", MEMORY)


def test_a_program_for_this_computer_is_refused() -> None:
    with pytest.raises(SixfoldError, match="is no program for an Arm core"):
        read_image(Path("/bin/sh"), MEMORY)


def test_a_program_without_vectors_is_refused(elf: Path, tmp_path: Path) -> None:
    data = elf.read_bytes()
    assert data.count(b"__vectors\0") == 1
    (tmp_path / "serial.elf").write_bytes(data.replace(b"__vectors\0", b"__victors\0"))
    with pytest.raises(SixfoldError, match="has no vector table"):
        read_image(tmp_path / "serial.elf", MEMORY)


def test_cores_are_told_apart_whatever_their_revision() -> None:
    for cpuid in (0x410FC240, 0x410FC241, 0x411FC24F):
        check_core(cpuid, "cortex-m4", "here")
    with pytest.raises(
        SixfoldError, match=r"^here: wrong chip: it has cortex-m7 \(CPUID 0x411fc271\), the target has co"
    ):
        check_core(0x411FC271, "cortex-m4", "here")
    with pytest.raises(SixfoldError, match=r"it has no core that is known here \(CPUID 0x00000000\)"):
        check_core(0, "cortex-m4", "here")

"""What goes into the plugin and what comes out, without an emulator."""

import subprocess
from pathlib import Path

import pytest

from pipeline.errors import SixfoldError
from pipeline.host_compiler import compile_c
from pipeline.profile.counting import _SOURCE, read_counts
from pipeline.profile.program import _parse, read_marks

LISTING = """
firmware.elf:     file format elf32-littlearm

00000bbc <layer_63>:
     bbc:\t4b01      \tldr\tr3, [pc, #4]\t@ (bc4 <layer_63+0x8>)
     bbe:\tfb20 f002 \tsmuad\tr0, r0, r2
     bc2:\t4770      \tbx\tlr
     bc4:\t20000010 \t.word\t0x20000010
"""
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin in a program that executes nothing."""
    program = tmp_path_factory.mktemp("plugin") / "no_emulator"
    return compile_c(Path(__file__).with_name("no_emulator.c"), program, (str(_SOURCE), *SANITIZERS))


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ("10 20 1\n18 30 2\n", "out of order"),
        ("20 10 1\n", "out of order or range"),
        ("10 20 5000\n", "out of order or range"),
        ("10 twenty 1\n", "damaged"),
        ("".join(f"{2 * n:x} {2 * n + 1:x} 1\n" for n in range(1, 5000)), "too many"),
        ("", "are needed"),
    ],
)
def test_marks_that_are_none_are_refused(emulator: Path, tmp_path: Path, marks: str, said: str) -> None:
    (tmp_path / "marks").write_text(marks)
    done = start(emulator, tmp_path)
    assert done.returncode == 2 and said in done.stderr


def test_without_an_inference_the_file_says_so(emulator: Path, tmp_path: Path) -> None:
    (tmp_path / "marks").write_text("10 20 1\n20 30 2\n")
    done = start(emulator, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "counts").read_text() == "end 0\n"
    with pytest.raises(SixfoldError, match="saw no whole inference"):
        read_counts(tmp_path / "counts")


def start(emulator: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    options = ["clock=100", f"marks={folder / 'marks'}", f"out={folder / 'counts'}"]
    return subprocess.run([emulator, *options], capture_output=True, text=True, check=False)


def test_counts_are_read_by_part_and_address(tmp_path: Path) -> None:
    path = tmp_path / "counts"
    path.write_text("0 1f0 7\n2 1f0 3\n2 bbe 18446744073709551615\nend 2\n")
    assert read_counts(path) == {0: {0x1F0: 7}, 2: {0x1F0: 3, 0xBBE: 2**64 - 1}}
    path.write_text("0 1f0 7\n")
    with pytest.raises(SixfoldError, match="saw no whole inference"):
        read_counts(path)


def test_the_listing_is_read_by_address_and_function() -> None:
    program = dict(_parse(LISTING))
    assert list(program) == [0xBBC, 0xBBE, 0xBC2, 0xBC4]
    smuad = program[0xBBE]
    assert (smuad.function, smuad.mnemonic) == ("layer_63", "smuad")


def test_a_program_without_layers_is_refused(emulator: Path) -> None:
    with pytest.raises(SixfoldError, match="no_emulator: has no function sixfold_timer_ticks; build it again$"):
        read_marks(emulator, 3)


def test_the_source_is_warning_free_with_strict_flags(tmp_path: Path) -> None:
    flags = ("-shared", "-fPIC", "-Wshadow", "-Wconversion", "-Wstrict-prototypes", "-Wmissing-prototypes")
    assert compile_c(_SOURCE, tmp_path / "plugin.so", flags).is_file()

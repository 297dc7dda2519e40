"""What goes into the plugin and what comes out, without an emulator."""

import subprocess
from pathlib import Path

import pytest

from pipeline.errors import SixfoldError
from pipeline.host_compiler import compile_c
from pipeline.profile.counting import _SOURCE, marks_file, read_counts
from pipeline.profile.parts import Mark, Parts, find_parts
from pipeline.profile.program import _parse, read_symbols
from tests.graph.graphs import small_mobilenet

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
        ("code 10 20 1\ncode 18 30 2\n", "out of order"),
        ("code 10 20 1\ndata 18 30 2\ndata 18 30 2\n", "out of order"),
        ("code 20 10 1\n", "out of order or range"),
        ("code 10 20 5000\n", "out of order or range"),
        ("code 10 twenty 1\n", "damaged"),
        ("".join(f"code {2 * n:x} {2 * n + 1:x} 1\n" for n in range(1, 5000)), "too many"),
        ("data 10 20 1\n", "are needed"),
        ("", "are needed"),
    ],
)
def test_marks_that_are_none_are_refused(emulator: Path, tmp_path: Path, marks: str, said: str) -> None:
    (tmp_path / "marks").write_text(marks)
    done = start(emulator, tmp_path)
    assert done.returncode == 2 and said in done.stderr


def test_without_an_inference_the_file_says_so(emulator: Path, tmp_path: Path) -> None:
    (tmp_path / "marks").write_text("code 10 20 1\ncode 20 30 2\ndata 10 20 16\n")
    done = start(emulator, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "counts").read_text() == ""
    with pytest.raises(SixfoldError, match="saw no whole inference"):
        read_counts(tmp_path / "counts")


def start(emulator: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    options = ["clock=100", "windows=1", f"marks={folder / 'marks'}", f"out={folder / 'counts'}"]
    return subprocess.run([emulator, *options], capture_output=True, text=True, check=False)


def test_counts_are_read_by_part_and_address(tmp_path: Path) -> None:
    path = tmp_path / "counts"
    path.write_text("0 1f0 7\n2 1f0 3\n2 bbe 18446744073709551615\nend\n")
    assert read_counts(path) == {0: {0x1F0: 7}, 2: {0x1F0: 3, 0xBBE: 2**64 - 1}}
    path.write_text("0 1f0 7\n")
    with pytest.raises(SixfoldError, match="saw no whole inference"):
        read_counts(path)


def test_the_listing_is_read_by_address_and_function() -> None:
    program = dict(_parse(LISTING))
    assert list(program) == [0xBBC, 0xBBE, 0xBC2, 0xBC4]
    smuad = program[0xBBE]
    assert (smuad.function, smuad.mnemonic) == ("layer_63", "smuad")


def test_a_program_that_runs_no_model_is_refused(emulator: Path) -> None:
    symbols = read_symbols(emulator)
    assert {"main", "qemu_plugin_install"} <= symbols.functions.keys()
    assert "at_exit" in symbols.units["no_emulator.c"]
    with pytest.raises(SixfoldError, match="no_emulator: has no function sixfold_timer_ticks; build it again$"):
        symbols.function("sixfold_timer_ticks")
    with pytest.raises(SixfoldError, match="no_emulator: has nothing that runs a model; build it again$"):
        find_parts(symbols, small_mobilenet(1), False, False)


def test_marks_are_written_as_the_plugin_reads_them() -> None:
    parts = Parts(0x100, (Mark((0x10, 0x20), 0), Mark((0x20, 0x3A), 3)), (Mark((0x80, 0x90), 16),), {19: "conv"})
    assert marks_file(parts) == "code 10 20 0\ncode 20 3a 3\ndata 80 90 16\n"


def test_the_source_is_warning_free_with_strict_flags(tmp_path: Path) -> None:
    flags = ("-shared", "-fPIC", "-Wshadow", "-Wconversion", "-Wstrict-prototypes", "-Wmissing-prototypes")
    assert compile_c(_SOURCE, tmp_path / "plugin.so", flags).is_file()

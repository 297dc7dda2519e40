"""Counting executed instructions: the reading of the emulator's log, and a program whose instructions are known."""

import shutil
import subprocess

import pytest

from benchmarks.aarch64 import measure
from benchmarks.aarch64.results import DOCS_FILE, Results, Row, table
from pipeline.errors import SixfoldError
from pipeline.report.markdown import markers
from tests.imports import ROOT

# Two blocks at 0x10 and 0x20 of three and one instructions; then 0x20 again as a block of two in the same place.
LOG = """IN: first
0x00000010:  AAAA  mov
0x00000014:  AAAA  mov
0x00000018:  AAAA  svc

Trace 0: 0x7f00 [00000000/0000000000000010/00/00] first
7 getppid() = 1
IN:
0x00000020:  AAAA  b
Trace 0: 0x7f80 [00000000/0000000000000020/00/00]
Trace 0: 0x7f00 [00000000/0000000000000010/00/00] first
7 write(1,0x10,1) = 1
7 getppid() = 1
IN:
0x00000020:  AAAA  mov
0x00000024:  AAAA  b
Trace 0: 0x7f80 [00000000/0000000000000020/00/00]
7 getppid() = 1
"""
ROW = Row(
    network="n",
    core="cortex-a72",
    engine="tvm",
    instructions=2000,
    least=2000,
    most=2000,
    macs=1000,
    mismatched=0,
    compared=20,
    version="1.2",
    qemu="10",
)


@pytest.fixture
def counter(tmp_path):
    return measure.compile_counter(tmp_path)


def count(counter, log):
    return subprocess.run([counter, "getppid"], input=log, capture_output=True, text=True, check=False)


def test_each_execution_counts_the_length_of_its_block(counter):
    assert count(counter, LOG).stdout.split() == ["3", "7", "9"]


def test_a_translation_that_another_thread_logs_in_between_is_no_one_elses(counter):
    first, rest = LOG.split("Trace", 1)
    log = f"{first}IN: other\n0x00000040:  AAAA  nop\nTrace{rest}"
    assert count(counter, log).stdout.split() == ["3", "7", "9"]


def test_a_block_that_was_never_translated_is_an_error(counter):
    done = count(counter, "Trace 0: 0x7f00 [00000000/0000000000000010/00/00]\n")
    assert done.returncode == 2 and "a block of unknown length was executed" in done.stderr


def test_marks_of_another_number_are_an_error():
    with pytest.raises(SixfoldError, match=r"x: its log has 2 marks, not 8"):
        measure._between([1, 2], "x")
    assert measure._between([0, 9, 10, 13, 20, 22, 30, 34], "x") == [2, 3, 4]


def test_the_table_says_whether_the_counts_agree():
    other = ROW.model_copy(update={"engine": "litert", "least": 1999})
    lines = table(Results(rows=(ROW, other))).splitlines()
    assert lines[2] == "| `n` | cortex-a72 | TVM 1.2 | 2\u202f000 | equal | 0.50 | 0 of 20 |"
    assert "| 1\u202f999 to 2\u202f000 |" in lines[3]


def test_the_page_has_a_place_for_the_table():
    text = (ROOT / DOCS_FILE).read_text()
    assert all(text.count(marker) == 1 for marker in markers("aarch64"))


# A loop of 1 000 turns of two instructions between two system calls.
PROGRAM = """
.globl _start
_start: mov x8, 173
  svc 0
  mov x1, 1000
loop: subs x1, x1, 1
  b.ne loop
  mov x8, 173
  svc 0
  mov x0, 0
  mov x8, 93
  svc 0
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt-get, to fetch the emulator")
def test_a_program_of_known_length_is_counted_exactly(tmp_path):
    (tmp_path / "loop.s").write_text(PROGRAM)
    program = tmp_path / "loop"
    command = ["aarch64-linux-gnu-gcc", "-nostdlib", "-static", tmp_path / "loop.s", "-o", program]
    subprocess.run(command, check=True)
    emulation = measure._Emulation.prepare(tmp_path, "cortex-a72", {})
    before, after = emulation.count([str(program)], "getppid", ())
    assert after - before == 1 + 2 * 1000 + 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt-get, to fetch the emulator")
def test_pythons_programs_find_their_packages(tmp_path):
    emulation = measure._Emulation.prepare(tmp_path, "cortex-a72", {"numpy": "any"})
    printed = emulation.run([emulation.python, "-B", "-c", "import numpy; print(numpy.int8(1) + numpy.int8(2))"])
    assert printed == "3\n"

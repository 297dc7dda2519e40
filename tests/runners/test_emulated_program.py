"""How a program is given images and what becomes of its codes; the program here is a script, nothing is emulated."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from pipeline.errors import SixfoldError
from pipeline.runners.emulated_program import EmulatedProgram

#: One code an image, its first pixel; and how many images it was given, on a line of a file beside the script.
FIRST_PIXELS = """
images = Path(sys.argv[1]).read_bytes()
Path(sys.argv[2]).write_bytes(images[::4])
with Path(__file__).with_name("chunks").open("a") as file:
    print(len(images) // 4, file=file)
"""


@pytest.fixture
def program(tmp_path):
    def make(source):
        script = tmp_path / "program.py"
        script.write_text("import sys\nfrom pathlib import Path\n" + source)
        command = [sys.executable, str(script)]
        return EmulatedProgram("board", 1, lambda *files: [*command, *map(str, files)], chunk=3, time_limit_s=60)

    return make


@pytest.fixture
def inputs():
    return np.arange(28, dtype=np.int8).reshape(7, 2, 2, 1)


def test_codes_keep_the_order_of_the_images(program, inputs, tmp_path):
    np.testing.assert_array_equal(program(FIRST_PIXELS).run(inputs), inputs[:, 0, 0])
    assert (tmp_path / "chunks").read_text().split() == ["3", "3", "1"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("sys.exit('first\\nno such file')", "board: the emulated program failed: no such file"),
        ("sys.exit(7)", "board: the emulated program failed: ended with status 7"),
        ("pass", "board: the emulated program wrote 0 codes, not 3 x 1"),
        ("Path(sys.argv[2]).write_bytes(b'12345')", "board: the emulated program wrote 5 codes, not 3 x 1"),
    ],
)
def test_what_is_no_answer_is_one_line(program, inputs, source, message):
    with pytest.raises(SixfoldError) as caught:
        program(source).run(inputs)
    assert str(caught.value) == message


def test_a_program_that_hangs_is_ended(program, inputs):
    hanging = replace(program("import time; time.sleep(600)"), time_limit_s=1)
    with pytest.raises(SixfoldError, match="board: the emulated program was not done after 1 s"):
        hanging.run(inputs)


def test_the_environment_is_the_given_one(program, inputs):
    told = replace(program("sys.exit(str(__import__('os').environ.get('HOME')))"), environment={"HOME": "/nowhere"})
    with pytest.raises(SixfoldError, match="failed: /nowhere"):
        told.run(inputs)

"""A share of the damaged files of ``python -m tests.importers.fuzz``: the same ones in every run."""

import subprocess
import sys

import pytest

from tests.importers.fuzz import check, corpus, run
from tests.importers.mutations import mutated


def test_the_seeds_themselves_are_imported():
    assert {seed.name: check(seed.data) for seed in corpus()} == {seed.name: "imported" for seed in corpus()}


def test_input_n_is_the_same_in_every_run():
    first, second = corpus(), corpus()
    inputs = [mutated(first, index) for index in range(40)]
    assert inputs == [mutated(second, index) for index in range(40)]
    assert len(set(inputs)) > 35


def test_damaged_files_give_a_graph_or_a_line():
    outcomes = run(0, 500)
    assert outcomes.total() == 500
    assert outcomes["refused"] > 300
    assert outcomes["imported"] > 10


@pytest.mark.slow
def test_the_command_counts_its_inputs():
    command = [sys.executable, "-m", "tests.importers.fuzz", "--inputs", "2000", "--first", "1000000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].startswith("2000 inputs in ")
    assert done.stdout.rstrip().endswith("no crash, hang or growth of memory")

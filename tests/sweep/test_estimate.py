import numpy as np
import pytest

from pipeline.backends.cortex_m.libraries import MODES, Mode
from pipeline.backends.cortex_m.linker_script import STACK_BYTES
from pipeline.backends.cortex_m.skeleton import Variant
from pipeline.errors import SixfoldError
from pipeline.sweep.costs import load_costs
from pipeline.sweep.estimate import estimate
from pipeline.targets import load_target
from tests.imports import ROOT

TARGETS = ROOT / "targets"
CMSIS_NN = Mode("cmsis-nn")
LIKE = Variant(0.35, (32, 32, 1), 1, 10)


PUBLISHED = [
    (board, mode) for board in ("mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547") for mode in MODES
]


@pytest.mark.parametrize(("board", "mode"), PUBLISHED)
def test_the_digits_network_takes_what_its_firmware_takes(board: str, mode: Mode):
    """docs/benchmarks.md has it from the linked firmware; only what serves the images is not in its flash."""
    target = load_target(board, TARGETS)
    (found,) = estimate(target, LIKE, [0.35], [32], [mode])
    row = next(
        line
        for line in (ROOT / "docs/benchmarks.md").read_text().splitlines()
        if line.startswith(f"| `digits` | {target.core} | {mode.kernels} | {mode.input} |")
    )
    macs_an_instruction, ram, _, flash = (
        float(cell.replace("\u202f", "").replace(" ", "")) for cell in row.split("|")[6:10]
    )
    assert found.macs == 4453056 and found.parameters == 401610
    assert found.ram_bytes == ram
    assert 0 < found.flash_bytes - flash < 14.5 * 1024
    assert np.isclose(found.macs / found.instructions, macs_an_instruction, rtol=0.08)


def test_every_combination_is_there_once_the_largest_first():
    found = estimate(load_target("nucleo-f446re", TARGETS), LIKE, [0.35, 0.5, 0.5], [32, 64])
    assert [(one.width, one.side, one.mode) for one in found] == [
        (width, side, mode) for width in (0.5, 0.35) for side in (64, 32) for mode in MODES
    ]


def test_what_the_kernels_do_not_take_is_no_candidate():
    """So narrow, the first block has as many channels as its input, and adds that; streaming has no such block."""
    found = estimate(load_target("nucleo-f446re", TARGETS), LIKE, [0.1], [32])
    assert [one.mode for one in found] == [mode for mode in MODES if mode.kernels != "streaming"]


def test_what_does_not_fit_says_in_which_memory_and_by_how_much():
    target = load_target("nucleo-f446re", TARGETS)
    memory = target.memory
    assert memory is not None
    costs = load_costs().cores["cortex-m4"]["cmsis-nn"]
    (found,) = estimate(target, LIKE, [1.0], [96], [CMSIS_NN])
    assert found.missing == {
        "flash": found.flash_bytes - memory.flash.size,
        # The application keeps a row of the image, and a code for each class.
        "sram": found.ram_bytes + costs.data_bytes + (96 + 10) + costs.stack_bytes - memory.sram.size,
    }
    assert not found.fits and costs.stack_bytes == STACK_BYTES


def test_a_budget_is_a_limit_too():
    target = load_target("mps2-an386", TARGETS)
    tight = target.model_copy(update={"budget": target.budget.model_copy(update={"sram": 49219})})
    (found,) = estimate(tight, LIKE, [0.35], [32], [CMSIS_NN])
    assert found.missing == {"budget.sram": 1}


def test_only_microcontrollers_are_estimated():
    with pytest.raises(SixfoldError, match="backend tvm"):
        estimate(load_target("host-tvm", TARGETS), LIKE, [0.35], [32])

import pytest

from pipeline.backends.cortex_m.linker_script import STACK_BYTES
from pipeline.backends.cortex_m.skeleton import Variant
from pipeline.errors import SixfoldError
from pipeline.sweep.costs import load_costs
from pipeline.sweep.estimate import estimate
from pipeline.targets import load_target
from tests.imports import ROOT

TARGETS = ROOT / "targets"
LIKE = Variant(0.35, (32, 32, 1), 1, 10)


def test_the_digits_network_takes_what_its_firmware_takes():
    """docs/benchmarks.md has it from the linked firmware; only what serves the images is not in its flash."""
    (found,) = estimate(load_target("mps2-an386", TARGETS), LIKE, [0.35], [32], ["cmsis-nn"])
    row = next(
        line
        for line in (ROOT / "docs/benchmarks.md").read_text().splitlines()
        if line.startswith("| `digits` | cortex-m4 | cmsis-nn | frame |")
    )
    macs_an_instruction, ram, _, flash = (
        float(cell.replace("\u202f", "").replace(" ", "")) for cell in row.split("|")[6:10]
    )
    assert found.ram_bytes == ram and found.macs == 4453056 and found.parameters == 401610
    assert 0 < found.flash_bytes - flash < 12 * 1024
    assert abs(found.macs / found.instructions - macs_an_instruction) < 0.02


def test_every_combination_is_there_once_the_largest_first():
    found = estimate(load_target("nucleo-f446re", TARGETS), LIKE, [0.35, 0.5, 0.5], [32, 64])
    assert [(one.width, one.side, one.kernels) for one in found] == [
        (width, side, kernels) for width in (0.5, 0.35) for side in (64, 32) for kernels in ("portable", "cmsis-nn")
    ]


def test_what_does_not_fit_says_in_which_memory_and_by_how_much():
    target = load_target("nucleo-f446re", TARGETS)
    memory = target.memory
    assert memory is not None
    costs = load_costs().cores["cortex-m4"]["cmsis-nn"]
    (found,) = estimate(target, LIKE, [1.0], [96], ["cmsis-nn"])
    assert found.missing == {
        "flash": found.flash_bytes - memory.flash.size,
        "sram": found.ram_bytes + costs.data_bytes + costs.stack_bytes - memory.sram.size,
    }
    assert not found.fits and costs.stack_bytes == STACK_BYTES


def test_a_budget_is_a_limit_too():
    target = load_target("mps2-an386", TARGETS)
    tight = target.model_copy(update={"budget": target.budget.model_copy(update={"sram": 49219})})
    (found,) = estimate(tight, LIKE, [0.35], [32], ["cmsis-nn"])
    assert found.missing == {"budget.sram": 1}


def test_only_microcontrollers_are_estimated():
    with pytest.raises(SixfoldError, match="backend tvm"):
        estimate(load_target("host-tvm", TARGETS), LIKE, [0.35], [32])

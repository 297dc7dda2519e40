"""A firmware that was linked with other kernels than chosen, or with slow ones, is refused."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.backends.cortex_m import compile_graph, instructions
from pipeline.backends.cortex_m.cmsis_nn import cmsis_nn
from pipeline.backends.cortex_m.cmsis_nn_source import ROOT_VARIABLE, find_cmsis_nn
from pipeline.backends.cortex_m.elf import check_linked
from pipeline.backends.cortex_m.kernel import load_core
from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.targets import load_target
from tests.graph.graphs import small_mobilenet

GRAPH = small_mobilenet(1)
M4 = load_core("cortex-m4")
TARGET = load_target("mps2-an386").model_copy(update={"kernels": "cmsis-nn"})

#: Instructions by class, with the registers left open; None for what belongs to no class.
EXAMPLES = {
    "smlad {0}, {1}, {2}, {3}": "smlad",
    "smlabb {0}, {1}, {2}, {3}": "smlabb",
    "smlatt {0}, {1}, {2}, {3}": "smlabb",
    "vmladava.s8 {4}, {6}, {7}": "vmladav",
    "vmladav.s8 {4}, {6}, {7}": "vmladav",
    "vmul.i32 {5}, {6}, {7}": "vmul",
    "vqrdmulh.s32 {5}, {6}, {7}": "vqrdmulh",
    "vqrdmulh.s32 {5}, {6}, {0}": "vqrdmulh",
    "vadd.i32 {5}, {6}, {7}": "vadd",
    "smlal {0}, {8}, {2}, {3}": None,
    "mla {0}, {1}, {2}, {3}": None,
    "vmladava.u8 {4}, {6}, {7}": None,
    "vmladava.s16 {4}, {6}, {7}": None,
    "vaddva.s8 {4}, {6}": None,
    "vmul.i16 {5}, {6}, {7}": None,
    "vqdmulh.s32 {5}, {6}, {7}": None,
    "vadd.i16 {5}, {6}, {7}": None,
    "movs r1, #7": None,
    "movw {0}, #0xfb20": None,
    "bx lr": None,
}
general = st.sampled_from([f"r{number}" for number in range(11)])
vector = st.sampled_from([f"q{number}" for number in range(8)])
registers = st.tuples(
    general, general, general, general, st.sampled_from(["r0", "r4", "r10"]), vector, vector, vector, st.just("r12")
)


def assemble(lines: list[str], folder: Path) -> bytes:
    source, machine_code = folder / "code.s", folder / "code.bin"
    source.write_text(".syntax unified\n.thumb\n" + "\n".join(lines) + "\n")
    flags = ["-mcpu=cortex-m55", "-mfloat-abi=hard", "-mthumb"]
    subprocess.run(["arm-none-eabi-gcc", "-c", *flags, source, "-o", folder / "code.o"], check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", folder / "code.o", machine_code], check=True)
    return machine_code.read_bytes()


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(list(EXAMPLES)), registers), min_size=1, max_size=60))
def test_instructions_are_told_apart(tmp_path: Path, chosen: list[tuple[str, tuple[str, ...]]]) -> None:
    code = assemble([example.format(*names) for example, names in chosen], tmp_path)
    for name in instructions.CLASSES:
        assert instructions.count(code, name) == sum(EXAMPLES[example] == name for example, _ in chosen), name


def test_a_halfword_at_the_end_is_no_instruction() -> None:
    assert instructions.count(b"\x20\xfb", "smlad") == 0
    assert instructions.count(b"\x20\xfb\x00\x00\x00", "smlad") == 1


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("portable")
    compile_graph(GRAPH, TARGET.model_copy(update={"kernels": "portable"}), folder)
    return folder / "firmware.elf"


@pytest.mark.slow
def test_a_firmware_with_other_kernels_is_refused(portable: Path) -> None:
    kernels = {operator.name: cmsis_nn("dsp").choose(GRAPH, operator) for operator in GRAPH.operators}
    with pytest.raises(SixfoldError, match="^layer conv0: arm_convolve_s8 is not in the firmware, though"):
        check_linked(portable, kernels, M4)


@pytest.mark.slow
def test_a_kernel_compiled_without_the_vector_instructions_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "CMSIS-NN"
    shutil.copytree(find_cmsis_nn().root, damaged, ignore=shutil.ignore_patterns("Tests"))
    source = damaged / "Source/NNSupportFunctions/arm_nn_mat_mult_nt_t_s8.c"
    header = '#include "arm_nnsupportfunctions.h"\n'
    assert header in source.read_text()
    source.write_text(source.read_text().replace(header, f"{header}#undef ARM_MATH_DSP\n"))
    monkeypatch.setenv(ROOT_VARIABLE, str(damaged))
    with pytest.raises(
        SixfoldError,
        match=r"^layer conv5: arm_nn_mat_mult_nt_t_s8 has no smlad instruction: it was compiled without the vector "
        r"instructions of cortex-m4 \(compiler flags: -mcpu=cortex-m4 .*\)$",
    ):
        compile_graph(GRAPH, TARGET, tmp_path)
    assert not (tmp_path / "firmware.elf").exists()


@pytest.mark.slow
def test_a_checkout_of_the_users_is_named_in_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = find_cmsis_nn()
    (tmp_path / "my checkout").symlink_to(packaged.root)
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path / "my checkout"))
    compile_graph(GRAPH, TARGET, tmp_path)
    assert read_json(tmp_path / "model.json")["tools"]["cmsis-nn"] == packaged.version
    assert b"my checkout" not in (tmp_path / "firmware.elf").read_bytes()


def test_a_checkout_of_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    with pytest.raises(SixfoldError, match=r"^CMSIS_NN_ROOT=.*: Include/arm_nnfunctions\.h: not found; it must be"):
        find_cmsis_nn()

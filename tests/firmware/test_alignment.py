"""No firmware makes an access that the emulator allows and a core refuses: those of several words or of vectors."""

from pathlib import Path

import pytest

from benchmarks.boards import BOARDS
from pipeline import profile
from pipeline.backends.cortex_m import compile_graph
from pipeline.backends.cortex_m.libraries import MODES, Mode
from pipeline.host_compiler import compile_c
from pipeline.profile.program import read_instructions
from pipeline.runners.qemu_system import run_artefact
from tests.firmware.test_streaming_model import odd_network
from tests.graph.graphs import random_inputs

PLUGINS = Path(profile.__file__).parent
#: What may access any address (Armv7-M and Armv8-M manuals, "Unaligned data access"); all else has to be aligned.
ANYWHERE = ("ldr", "ldrh", "ldrsh", "str", "strh")

VECTORISED = [mode for mode in MODES if mode.kernels != "portable"]


@pytest.mark.slow
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("mode", VECTORISED, ids=lambda mode: f"{mode.kernels}-{mode.input}")
def test_only_single_loads_and_stores_are_unaligned(core: str, mode: Mode, tmp_path: Path) -> None:
    graph = odd_network()
    target = BOARDS[core].target(*mode)
    compile_graph(graph, target, tmp_path)
    plugin = compile_c(
        Path(__file__).with_name("watch_alignment.c"),
        tmp_path / "watch_alignment.so",
        ("-shared", "-fPIC", "-fvisibility=hidden", f"-I{PLUGINS}"),
    )
    noted = tmp_path / "noted"
    run_artefact(tmp_path, target, random_inputs(graph, 1, 1), ("-plugin", f"file={plugin},out={noted}"))
    *lines, last = noted.read_text().splitlines()
    assert int(last.split()[1]) > 100_000
    program = read_instructions(tmp_path / "firmware.elf")
    found = {int(line.split()[0], 16): line for line in lines}
    wrong = [
        f"{line}: {program[address].mnemonic}"
        for address, line in sorted(found.items())
        if program[address].mnemonic.split(".")[0] not in ANYWHERE
    ]
    assert not wrong
    # The watch does see: pixels and their rows lie anywhere.
    assert found or mode.kernels != "streaming"

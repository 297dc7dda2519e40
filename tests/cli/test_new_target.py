import json
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.cli.new_target import STAND_INS, _text
from pipeline.targets import load_target
from pipeline.validation import read_yaml
from tests.cli.project import ROOT, make_project, network
from tests.cli.running import run

MEMORY = ["--flash", "0x08000000:512KiB", "--sram", "0x20000000:128KiB"]
FULL = [
    *("--core", "cortex-m4", *MEMORY, "--clock-hz", "180000000", "--family", "stm32f4", "--uart", "usart2:PA2:PA3"),
    *("--programmer", "openocd:board/st_nucleo_f4.cfg", "--kernels", "portable", "--summary", "Mine: the 2nd, [blue]"),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "targets", tmp_path / "targets")
    (tmp_path / "firmware").symlink_to(ROOT / "firmware")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_full_description_is_that_of_the_board(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "new-target", "mine", *FULL, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["file"] == "targets/mine.yaml"
    mine, board = load_target("mine"), load_target("nucleo-f446re")
    assert (mine.memory, mine.board, mine.clock_hz) == (board.memory, board.board, board.clock_hz)
    assert mine.flash == board.flash and mine.kernels == "portable" and mine.summary == "Mine: the 2nd, [blue]"
    assert mine.runner.stands_for == "mine" and mine.runner.machine == board.runner.machine
    assert "0x08000000" in Path("targets/mine.yaml").read_text()


@pytest.mark.parametrize("core", STAND_INS)
def test_every_core_has_a_machine_of_that_core(project: Path, monkeypatch: pytest.MonkeyPatch, core: str) -> None:
    assert load_target(STAND_INS[core]).core == core
    assert run(monkeypatch, "new-target", "mine", "--core", core, *MEMORY) == 0
    assert load_target("mine").core == core


def test_all_cores_of_the_firmware_are_offered() -> None:
    assert STAND_INS.keys() == json.loads((ROOT / "firmware/cores.json").read_text()).keys()


def test_a_copy_differs_in_name_and_summary(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "new-target", "my-pi", "--like", "raspberry-pi-4", "--summary", "A: B") == 0
    copy, other = load_target("my-pi"), load_target("raspberry-pi-4")
    assert copy == other.model_copy(update={"name": "my-pi", "summary": "A: B"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mps2-an386", "--core", "cortex-m4", *MEMORY], "targets/mps2-an386.yaml: is there already"),
        (["../x", "--core", "cortex-m4", *MEMORY], "is no name for a target"),
        (["mine", *MEMORY], "--core is missing"),
        (["mine", "--core", "cortex-m4"], "--flash is missing"),
        (["mine", "--core", "cortex-m0", *MEMORY], "--core cortex-m0: unknown"),
        (["mine", "--core", "cortex-m4", "--flash", "1MiB", "--sram", "0x0:1KiB"], "--flash 1MiB is not ORIGIN:SIZE"),
        (["mine", "--core", "cortex-m4", "--flash", "0:1KB", "--sram", "0x0:1KiB"], "--flash 0:1KB is not ORIGIN:SIZE"),
        (["mine", "--core", "cortex-m4", "--flash", "0:1KiB", "--sram", "0:1KiB"], "overlap"),
        (
            ["mine", "--core", "cortex-m4", "--flash", "0:8MiB", "--sram", "0x20000000:1KiB"],
            "memory.flash: the machine",
        ),
        (["mine", "--core", "cortex-m4", *MEMORY, "--family", "stm32f4"], "--family and --uart"),
        (["mine", "--core", "cortex-m4", *MEMORY, "--programmer", "magic"], "--programmer magic: unknown"),
        (["mine", "--core", "cortex-m4", *MEMORY, "--programmer", "pyocd"], "needs one, as pyocd:CHIP"),
        (["mine", "--core", "cortex-m4", *MEMORY, "--kernels", "fast"], "targets/mine.yaml: kernels"),
        (["mine", "--like", "nope"], "targets/nope.yaml: no such target"),
        (["mine", "--like", "host-tvm", "--core", "cortex-m4"], "--like takes no option but --summary"),
    ],
)
def test_what_is_not_permitted_writes_nothing(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    before = sorted(Path("targets").iterdir())
    assert run(monkeypatch, "new-target", *arguments) == 2
    assert message in capsys.readouterr().err
    assert sorted(Path("targets").iterdir()) == before


@example({"a": "a\x85b"})
@given(st.dictionaries(st.sampled_from("abc"), st.text(max_size=20), min_size=1))
def test_any_text_is_read_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, fields: dict[str, str]) -> None:
    path = tmp_path_factory.getbasetemp() / "fields.yaml"
    path.write_text(_text(fields), encoding="utf-8")
    assert read_yaml(path) == fields


@pytest.mark.slow
def test_a_new_target_builds_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_project(tmp_path, network())
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "new-target", "mine", *FULL) == 0
    assert run(monkeypatch, "build", "mine") == 0
    assert run(monkeypatch, "diff", "mine") == 0

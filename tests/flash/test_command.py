"""`sixfold flash`: what it prints, and what must be there."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from pipeline.cli import main
from pipeline.cli.flash import flash_target
from pipeline.errors import SixfoldError
from pipeline.files import sha256_file
from tests.flash.jobs import MEMORY

SPECS = {
    "gdb": {"kind": "gdb", "server": "localhost:3333"},
    "openocd": {"kind": "openocd", "config": ["board/st_nucleo_f4.cfg"]},
    "pyocd": {"kind": "pyocd", "chip": "stm32f405"},
    "uf2": {"kind": "uf2", "family": "rp2350-arm-s"},
}


@pytest.fixture
def repository(elf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a target for each programmer, whose artefact is the small firmware."""
    (tmp_path / "targets").mkdir()
    for name, spec in SPECS.items():
        target = {
            "name": name,
            "summary": "A board",
            "backend": "cortex-m",
            "core": "cortex-m4",
            "memory": {
                region: {"origin": value.origin, "size": value.size} for region, value in MEMORY.regions.items()
            },
            "runner": {"kind": "qemu-system", "machine": "mps2-an386"},
            "flash": spec,
            "budget": {"accuracy_drop_points": 0.5},
        }
        (tmp_path / "targets" / f"{name}.yaml").write_text(yaml.safe_dump(target))
        folder = tmp_path / "artifacts" / name
        folder.mkdir(parents=True)
        shutil.copyfile(elf, folder / "serial.elf")
        model = {"sha256": "00" * 32, "serial_sha256": sha256_file(elf), "input": [1, 1, 1], "classes": 2}
        (folder / "model.json").write_text(json.dumps({**model, "layers": [], "tools": {}}))
        (folder / "memory.json").write_text(json.dumps({"flash_bytes": 1, "ram_bytes": 1}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dry_run(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    flash_target(name, dry_run=True)
    return capsys.readouterr().out


def test_a_dry_run_with_gdb_prints_a_shell_script(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = dry_run("gdb", capsys)
    elf = repository / "artifacts" / "gdb" / "serial.elf"
    assert f"gdb-multiarch -nx -batch -x flash.gdb -ex disconnect {elf}\n" in printed
    assert "target extended-remote localhost:3333\n" in printed
    # It is what it says: a shell makes the scripts of it that GDB would be given.
    (repository / "there").mkdir()
    lines = [line for line in printed.splitlines(keepends=True) if not line.startswith("gdb-multiarch")]
    subprocess.run(["sh", "-euc", "".join(lines)], cwd=repository / "there", check=True)
    script = (repository / "there" / "flash.gdb").read_text()
    assert 'printf "sixfold: cpuid %08x\\n", $cpuid\n' in script and script.endswith("echo sixfold: compared\\n\n")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("openocd", "openocd -f board/st_nucleo_f4.cfg -c 'program {{{elf}}} verify reset exit'"),
        ("pyocd", "pyocd load -W -t stm32f405 --no-reset {elf}"),
        ("uf2", "cp sixfold.uf2 '<drive RP2350>'"),
    ],
)
def test_a_dry_run_prints_the_exact_commands_and_needs_no_tool(
    name: str, line: str, repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert line.format(elf=repository / "artifacts" / name / "serial.elf") in dry_run(name, capsys).splitlines()


def test_binary_files_of_a_plan_are_described(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "# sixfold.uf2: 8704 bytes, made from serial.elf\n" in dry_run("uf2", capsys)


def test_the_command_line_reaches_the_programmer(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "drive").mkdir()
    (repository / "drive" / "INFO_UF2.TXT").write_text("Board-ID: RP2350\n")
    monkeypatch.setattr("sys.argv", ["sixfold", "flash", "uf2", "--drive", "drive"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)
    assert capsys.readouterr().out.startswith("uf2: ") and (repository / "drive" / "sixfold.uf2").stat().st_size == 8704


def test_what_is_missing_is_one_line(repository: Path) -> None:
    with pytest.raises(SixfoldError, match=r"targets/nope\.yaml: no such target"):
        flash_target("nope")
    shutil.rmtree(repository / "artifacts" / "gdb")
    with pytest.raises(
        SixfoldError, match=r"artifacts/gdb: not found; run `dvc repro compile@gdb` or `sixfold build gdb`"
    ):
        flash_target("gdb")
    (repository / "artifacts" / "uf2" / "serial.elf").write_bytes(b"changed")
    with pytest.raises(
        SixfoldError, match=r"serial\.elf: missing, or not the file that model\.json describes; build it"
    ):
        flash_target("uf2")
    target = yaml.safe_load((repository / "targets" / "openocd.yaml").read_text())
    del target["flash"]
    (repository / "targets" / "openocd.yaml").write_text(yaml.safe_dump(target))
    with pytest.raises(SixfoldError, match=r"targets/openocd\.yaml: flash: missing; add how the board is flashed"):
        flash_target("openocd")

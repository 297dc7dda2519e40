"""OpenOCD and pyOCD: the exact calls, and programs that answer as the real ones do (OpenOCD 0.12, pyOCD 0.46).

The pretended programs check their arguments against what the real ones accept, and write to a file that stands for the
board's memory, so that a verification really compares.
"""

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import SixfoldError
from pipeline.flash import Job, load_programmer, tools
from tests.flash.jobs import job

OPENOCD = """#!/usr/bin/env python3
import argparse, json, pathlib, re, sys
here = pathlib.Path(__file__).parent
scene = json.loads((here / "scene").read_text())
parser = argparse.ArgumentParser()
parser.add_argument("-f", action="append")
parser.add_argument("-c", action="append")
given = parser.parse_args()
def fail(*lines):
    print("Open On-Chip Debugger 0.12.0")
    for line in lines: print(line, file=sys.stderr)
    sys.exit(1)
for file in given.f:
    if file not in ("interface/stlink.cfg", "target/stm32f4x.cfg"):
        fail(f"embedded:startup.tcl:28: Error: Can't find {file}")
if scene.get("absent"): fail("Info : clock speed 2000 kHz", "Error: open failed")
if scene.get("idcode"): fail("Warn : UNEXPECTED idcode: 0x2ba01477", "Error: expected 1 of 1: 0x1ba01477")
commands = [c for c in given.c if not c.startswith("adapter serial {066D}")]
if commands == ["init", "mdw 0xe000ed00", "shutdown"]:
    print(f"0xe000ed00: {scene.get('cpuid', '410fc241')} ", file=sys.stderr)
    sys.exit(0)
match = re.fullmatch(r"program \\{(.*)\\} verify reset exit", commands[0])
assert match and len(commands) == 1, commands
image = pathlib.Path(match[1]).read_bytes()
print("** Programming Started **")
if scene.get("unplugged"):
    (here / "scene").write_text("{}")
    fail("Error: libusb_bulk_write error: LIBUSB_ERROR_NO_DEVICE", "** Programming Failed **")
(here / "memory").write_bytes(image[:-1] if scene.get("worn") else image)
print("** Programming Finished **\\n** Verify Started **")
if (here / "memory").read_bytes() != image:
    fail("Error: checksum mismatch - attempting binary compare", "** Verify Failed **")
print("** Verified OK **\\n** Resetting Target **")
"""

PYOCD = """#!/usr/bin/env python3
import argparse, json, pathlib, sys
here = pathlib.Path(__file__).parent
scene = json.loads((here / "scene").read_text())
parser = argparse.ArgumentParser()
parser.add_argument("command", choices=["commander", "load", "reset"])
parser.add_argument("-W", action="store_true")
parser.add_argument("-t")
parser.add_argument("-u")
parser.add_argument("-c", action="append", default=[])
parser.add_argument("--no-reset", action="store_true")
parser.add_argument("file", nargs="?")
given = parser.parse_intermixed_args()
assert given.W and given.u in (None, "066D")
def fail(code, *lines):
    for line in lines: print(line)
    sys.exit(code)
if scene.get("absent"): fail(3 if given.command == "commander" else 1, "\\x1b[31mNo connected debug probes\\x1b[0m")
if given.t != "nrf52840":
    fail(1, f"0000400 C Target type {given.t} not recognized. Use 'pyocd list --targets' ... [__main__]")
if given.command == "load":
    assert given.no_reset
    if scene.get("unplugged"):
        (here / "scene").write_text("{}")
        fail(1, "[====      ]", "0001812 C [Errno 19] No such device [__main__]")
    (here / "memory").write_text("written")
for command in given.c:
    word, *arguments = command.split()
    if word == "read32":
        assert arguments == ["0xe000ed00"]
        print(f"e000ed00:  {scene.get('cpuid', '410fc241')}    |A...|")
    else:
        assert word == "compare" and arguments[1] == f"{int(arguments[0], 16):08x}.bin", command
        size = len(pathlib.Path(arguments[1]).read_bytes())
        if not (here / "memory").exists(): fail(1, "0000300 E memory transfer fault [commander]")
        if scene.get("worn"):
            print(f"Mismatched byte at 0x{int(arguments[0], 16) + 4:08x} (offset 0x4): 0xff (memory) != 0x00 (file)")
        else:
            print(f"All {size} bytes match.")
if given.command == "reset":
    (here / "started").touch()
"""

Scene = Callable[..., Any]


@pytest.fixture(params=["openocd", "pyocd"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def scene(kind: str, programs: Path) -> Scene:
    (programs / kind).write_text({"openocd": OPENOCD, "pyocd": PYOCD}[kind])
    (programs / kind).chmod(0o755)

    def play(**what: object) -> None:
        (programs / "scene").write_text(json.dumps(what))

    play()
    return play


def job_for(kind: str, elf: Path) -> Job:
    specs = {
        "openocd": {"config": ["interface/stlink.cfg", "target/stm32f4x.cfg"]},
        "pyocd": {"chip": "nrf52840"},
    }
    return job(elf, kind=kind, **specs[kind])


def write(kind: str, elf: Path) -> str:
    return load_programmer(kind).write(job_for(kind, elf))


def test_a_board_is_written_read_back_and_started(kind: str, elf: Path, scene: Scene, programs: Path) -> None:
    assert "read back" in write(kind, elf)
    assert (programs / "memory").exists()
    assert kind == "openocd" or (programs / "started").exists()


def test_one_of_several_probes_can_be_chosen(kind: str, elf: Path, scene: Scene) -> None:
    chosen = replace(job_for(kind, elf), probe="066D")
    assert "066D" in shlex.join(load_programmer(kind).plan(chosen).commands[0])
    load_programmer(kind).write(chosen)


def test_the_plan_is_what_the_tools_document(elf: Path) -> None:
    first, second = (shlex.join(c) for c in load_programmer("openocd").plan(job_for("openocd", elf)).commands)
    configuration = "openocd -f interface/stlink.cfg -f target/stm32f4x.cfg"
    assert first == f"{configuration} -c init -c 'mdw 0xe000ed00' -c shutdown"
    assert second == f"{configuration} -c 'program {{{elf}}} verify reset exit'"
    plan = load_programmer("pyocd").plan(job_for("pyocd", elf))
    assert [shlex.join(command) for command in plan.commands] == [
        "pyocd commander -W -t nrf52840 -c 'read32 0xe000ed00'",
        f"pyocd load -W -t nrf52840 --no-reset {elf}",
        "pyocd commander -W -t nrf52840 " + " ".join(f"-c 'compare 0x{name[:8]} {name}'" for name in plan.files),
        "pyocd reset -W -t nrf52840",
    ]


def test_no_probe_is_one_line(kind: str, elf: Path, scene: Scene) -> None:
    scene(absent=True)
    with pytest.raises(SixfoldError, match=rf"^{kind}: no board found \(.*\): is it plugged in"):
        write(kind, elf)


def test_the_wrong_chip_is_left_alone(kind: str, elf: Path, scene: Scene, programs: Path) -> None:
    scene(cpuid="411fc271")
    with pytest.raises(
        SixfoldError, match=rf"^{kind}: wrong chip: it has cortex-m7 .* cortex-m4; nothing was written$"
    ):
        write(kind, elf)
    assert not (programs / "memory").exists()


def test_a_chip_that_openocd_does_not_expect_is_left_alone(elf: Path, programs: Path) -> None:
    (programs / "openocd").write_text(OPENOCD)
    (programs / "openocd").chmod(0o755)
    (programs / "scene").write_text('{"idcode": true}')
    with pytest.raises(SixfoldError, match=r"^openocd: wrong chip \(Error: expected 1 of 1: 0x1ba01477\); nothing was"):
        write("openocd", elf)


def test_a_failed_verification_is_one_line(kind: str, elf: Path, scene: Scene) -> None:
    scene(worn=True)
    with pytest.raises(SixfoldError, match=rf"^{kind}: verification failed: the board does not hold what was written"):
        write(kind, elf)


def test_a_pulled_cable_is_one_line_and_a_retry_works(kind: str, elf: Path, scene: Scene) -> None:
    scene(unplugged=True)
    with pytest.raises(
        SixfoldError, match=rf"^{kind}: writing broke off \(.*\)[;:] the board may hold half a firmware; "
    ):
        write(kind, elf)
    assert "read back" in write(kind, elf)


def test_what_a_tool_does_not_know_names_the_field(elf: Path, programs: Path) -> None:
    for name, text in (("openocd", OPENOCD), ("pyocd", PYOCD)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (programs / "scene").write_text("{}")
    with pytest.raises(
        SixfoldError, match=r"netduino-plus-2\.yaml: flash\.config: .*Can't find target/none\.cfg; this"
    ):
        load_programmer("openocd").write(job(elf, kind="openocd", config=["target/none.cfg"]))
    with pytest.raises(
        SixfoldError, match=r"netduino-plus-2\.yaml: flash\.chip: pyOCD does not know nonesuch; `pyocd pa"
    ):
        load_programmer("pyocd").write(job(elf, kind="pyocd", chip="nonesuch"))


def test_a_missing_tool_says_how_to_get_it(
    kind: str, elf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SixfoldError, match=f"^{kind}: not found; install it"):
        write(kind, elf)


def test_a_tool_that_hangs_is_ended(kind: str, elf: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (programs / kind).write_text("#!/bin/sh\nexec sleep 100\n")
    (programs / kind).chmod(0o755)
    monkeypatch.setattr(tools, "TIME_LIMIT_S", 0.3)
    with pytest.raises(SixfoldError, match=rf"^{kind} did not end within 0\.3 s; is the board still there\?$"):
        write(kind, elf)


def test_a_tool_that_says_nothing_useful_is_quoted(kind: str, elf: Path, programs: Path) -> None:
    (programs / kind).write_text("#!/bin/sh\necho something odd\nexit 1\n")
    (programs / kind).chmod(0o755)
    with pytest.raises(
        SixfoldError, match=rf"^{kind}: the board cannot be read \(something odd\); nothing was written$"
    ):
        write(kind, elf)


def test_a_name_that_tcl_would_misread_is_refused(elf: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a{b"
    folder.mkdir()
    odd = folder / "serial.elf"
    odd.write_bytes(elf.read_bytes())
    with pytest.raises(SixfoldError, match="OpenOCD cannot be given a name with braces"):
        load_programmer("openocd").plan(job_for("openocd", odd))

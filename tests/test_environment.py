"""The pins, the Makefile and the set-up scripts: what a fresh clone depends on before there is any Python to test."""

import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SCRIPTS = [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci" / "run"]
SYSTEM_PACKAGES = ROOT / "scripts" / "install-system-packages.sh"
LOCK = runpy.run_path(str(ROOT / "scripts" / "lock.py"))


def parts() -> dict[str, dict[str, tuple[Requirement, list[str]]]]:
    """Requirement and hashes by package name, by marker; that of what pip installs is empty."""
    found: dict[str, dict[str, tuple[Requirement, list[str]]]] = {}
    for line in CONSTRAINTS.replace("\\\n", " ").splitlines():
        declared, *hashes = line.split("--hash=")
        if line.strip() and not line.startswith("#"):
            requirement = Requirement(declared.strip())
            part = found.setdefault(str(requirement.marker or ""), {})
            assert requirement.name not in part, f"{requirement.name} is there twice"
            part[requirement.name] = (requirement, [digest.strip() for digest in hashes])
    return found


def pins() -> dict[str, tuple[Requirement, list[str]]]:
    """Requirement and hashes by package name of what pip installs."""
    return parts()[""]


def test_every_pin_is_exact_and_hashed() -> None:
    everything = [pin for part in parts().values() for pin in part.items()]
    for name, (requirement, hashes) in everything:
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], name
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes), name
        assert name == canonicalize_name(name)


def test_no_host_is_named() -> None:
    assert "://" not in CONSTRAINTS
    assert not re.search(r"^\s*-[^-]|--(index|extra-index|find-links|trusted)", CONSTRAINTS, flags=re.MULTILINE)


def test_all_that_pyproject_names_is_pinned_within_its_range() -> None:
    named = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["dev"],
        *PROJECT["build-system"]["requires"],
    ]
    for requirement in map(Requirement, named):
        pin, _ = pins()[canonicalize_name(requirement.name)]
        assert pin.marker is None, f"{requirement.name} would not be installed"
        (version,) = pin.specifier
        assert requirement.specifier.contains(version.version), f"{requirement}: constraints.txt has {version}"


def test_pip_skips_what_is_fetched_on_demand_and_what_lives_apart() -> None:
    skipped = {marker: part for marker, part in parts().items() if marker}
    on_demand = skipped.pop(LOCK["ON_DEMAND_MARKER"])
    assert {f"{pin.name}{pin.specifier}" for pin, _ in on_demand.values()} == set(LOCK["ON_DEMAND"])
    environments = PROJECT["tool"]["sixfold"]["environments"]
    assert set(skipped) == {LOCK["TOOL_MARKER"].format(name=name) for name in environments}
    for name, named in environments.items():
        pinned = skipped[LOCK["TOOL_MARKER"].format(name=name)]
        assert name in pinned
        for requirement in map(Requirement, named):
            assert str(pinned[canonicalize_name(requirement.name)][0].specifier) == str(requirement.specifier)
    # pip evaluates the markers of a requirements file with no extra, or with an empty one.
    environment: Any = {**default_environment(), "extra": ""}
    assert not any(Marker(marker).evaluate(environment) for marker in [*skipped, LOCK["ON_DEMAND_MARKER"]])


def test_the_lock_resolves_each_part_from_its_own_pins() -> None:
    text = (
        "numpy==2 \\\n    --hash=sha256:aa\n# a comment\n"
        'numpy==1 ; extra == "tool-a" \\\n    --hash=sha256:bb\nother==3 ; extra == "tool-b" \\\n    --hash=sha256:cc\n'
    )
    assert LOCK["part"](text, "") == "numpy==2 \\\n    --hash=sha256:aa\n"
    assert LOCK["part"](text, 'extra == "tool-a"') == "numpy==1 \\\n    --hash=sha256:bb\n"
    assert LOCK["part"](text, 'extra == "tool-c"') == ""


def test_an_environment_must_be_named_after_its_main_package(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text('[tool.sixfold.environments]\nb = ["b==1"]\na = ["a==2", "b==3"]\n')
    assert list(LOCK["tools_of"](project).items()) == [("a", "a==2\nb==3\n"), ("b", "b==1\n")]
    project.write_text('[tool.sixfold.environments]\na = ["b==1"]\n')
    with pytest.raises(LOCK["LockError"], match=r"tool\.sixfold\.environments\.a: must pin a==VERSION"):
        LOCK["tools_of"](project)


def test_the_set_up_takes_a_pin_of_the_main_environment_only() -> None:
    script = (ROOT / "scripts" / "setup-environment.sh").read_text()
    function = re.search(r"^pin\(\) \{.*?^\}", script, flags=re.MULTILINE | re.DOTALL)
    assert function
    done = subprocess.run(
        ["bash", "-c", f"{function[0]}\npin numpy"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    pinned, hashes = pins()["numpy"]
    lines = done.stdout.replace("\\\n", " ").splitlines()
    assert [line.split()[0] for line in lines] == [f"{pinned.name}{pinned.specifier}"]
    assert len(lines[0].split("--hash=")) == len(hashes) + 1


def test_torch_may_be_either_build_and_brings_no_cuda() -> None:
    requirement, hashes = pins()["torch"]
    version = str(requirement.specifier).removeprefix("==")
    assert f"sha256:{LOCK['TORCH_CPU_WHEELS'][version]}" in hashes and len(hashes) > 1
    assert not [name for part in parts().values() for name in part if name.startswith(("nvidia-", "cuda-", "triton"))]


def test_the_lock_drops_what_only_cuda_asked_for() -> None:
    answer = (
        "nvidia-x==1 \\\n    --hash=sha256:aa\n    # via torch\n"
        "only-cuda==2 \\\n    --hash=sha256:bb\n    # via\n    #   nvidia-x\n"
        "shared==3 ; python_version < '4' \\\n    --hash=sha256:dd \\\n    --hash=sha256:cc\n"
        "    # via\n    #   nvidia-x\n    #   torch\n"
        "torch==9 \\\n    --hash=sha256:ee\n    # via -r requirements.in\n"
    )
    kept = LOCK["without_cuda"](list(LOCK["parse"](answer)))
    assert [pin.name for pin in kept] == ["shared", "torch"]
    assert kept[0].text() == ("shared==3 ; python_version < '4' \\\n    --hash=sha256:cc \\\n    --hash=sha256:dd\n")
    with pytest.raises(LOCK["LockError"], match=r"torch is now 9: add the SHA-256 of its CPU wheel"):
        LOCK["with_cpu_wheel"](kept[1])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_executable_strict_bash(script: Path) -> None:
    text = script.read_text()
    assert os.access(script, os.X_OK)
    assert text.startswith("#!/usr/bin/env bash\n") and "set -euo pipefail" in text
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run(["shellcheck", *map(str, SCRIPTS)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_continuous_integration_runs_make_test() -> None:
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "make test"


def test_make_alone_lists_every_command() -> None:
    listed = subprocess.run(["make", "-C", str(ROOT)], check=True, capture_output=True, text=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert phony
    for command in set(phony[1].split()) - {"lint"}:
        assert re.search(rf"^make {command} ", listed, flags=re.MULTILINE), command


class Machine:
    """A machine with only the programs that a test gives it; apt-get and sudo write down what they are asked."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "bin"
        self.log = folder / "log"
        self.programs.mkdir()
        for name in ("bash", "env", "dirname", "grep", "cat"):
            (self.programs / name).symlink_to(os.path.realpath(shutil.which(name) or ""))
        self.program("python3.11", f'exec "{sys.executable}" "$@"')
        self.program("id", 'echo "${UID_FOR_TEST:-0}"')

    def program(self, name: str, script: str) -> None:
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
        path.chmod(0o755)

    def run(self, script: Path = SYSTEM_PACKAGES, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {"PATH": str(self.programs), "LOG": str(self.log), **environment}
        bash = shutil.which("bash") or "bash"
        return subprocess.run([bash, str(script)], check=False, capture_output=True, text=True, env=variables)

    @property
    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def debian(machine: Machine, installed: str = "") -> None:
    """Make it a Debian on which `installed` (a shell pattern) are there."""
    state = f'case "$2" in {installed}) echo "Status: install ok installed";; *) exit 1;; esac'
    machine.program("dpkg", state if installed else "exit 1")
    machine.program("apt-get", 'echo "apt-get $*" >> "$LOG"')


def test_nothing_is_done_where_all_is_installed(machine: Machine) -> None:
    debian(machine, installed="*")
    assert machine.run().returncode == 0
    assert machine.asked == []


def test_only_what_is_missing_is_installed_without_fetching_lists(machine: Machine) -> None:
    debian(machine, installed="gcc|g++|make|git|cmake|ninja-build")
    assert machine.run().returncode == 0
    (line,) = machine.asked
    assert line.endswith(
        " libnewlib-arm-none-eabi g++-aarch64-linux-gnu qemu-system-arm qemu-user-static gdb-multiarch"
    )
    assert " -y " in line


def test_stale_package_lists_are_fetched_and_it_is_tried_again(machine: Machine) -> None:
    debian(machine)
    machine.program(
        "apt-get", 'echo "apt-get $*" >> "$LOG"; case "$*" in *update*) : > "$LOG.fresh";; esac; [ -e "$LOG.fresh" ]'
    )
    assert machine.run().returncode == 0
    assert ["update" in line for line in machine.asked] == [False, True, False]


def test_a_user_who_is_not_root_goes_through_sudo(machine: Machine) -> None:
    debian(machine)
    machine.program("sudo", 'echo "sudo" >> "$LOG"; "$@"')
    assert machine.run(UID_FOR_TEST="1000").returncode == 0
    assert machine.asked[0] == "sudo" and machine.asked[1].startswith("apt-get")


def test_without_sudo_it_says_what_an_administrator_must_do(machine: Machine) -> None:
    debian(machine, installed="gcc|g++|make|git|cmake|ninja-build|gdb-multiarch|qemu-system-arm")
    done = machine.run(UID_FOR_TEST="1000")
    assert done.returncode == 2 and machine.asked == []
    assert "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi" in done.stderr


def test_another_system_is_told_what_is_missing(machine: Machine) -> None:
    for name in ("gcc", "g++", "make", "git", "cmake"):
        machine.program(name, "")
    done = machine.run()
    assert done.returncode == 2
    assert "install these commands with its package manager: arm-none-eabi-gcc aarch64-linux-gnu-g++" in done.stderr
    for name in (
        *("arm-none-eabi-gcc", "aarch64-linux-gnu-g++", "qemu-system-arm", "qemu-aarch64-static"),
        *("gdb-multiarch", "ninja"),
    ):
        machine.program(name, "")
    assert machine.run().returncode == 0


def test_without_python_3_11_it_says_how_to_get_it(machine: Machine) -> None:
    (machine.programs / "python3.11").unlink()
    machine.program("python3", "echo 3.12")
    for script in (SYSTEM_PACKAGES, ROOT / "scripts" / "find-python.sh"):
        done = machine.run(script)
        assert done.returncode == 2 and "Python 3.11 is needed and was not found" in done.stderr


def test_python_3_11_may_have_another_name(machine: Machine) -> None:
    (machine.programs / "python3.11").unlink()
    machine.program("python3", "echo 3.11")
    machine.program("chosen", "echo 3.11")
    assert machine.run(ROOT / "scripts" / "find-python.sh").stdout.strip().endswith("/python3")
    found = machine.run(ROOT / "scripts" / "find-python.sh", PYTHON="chosen")
    assert found.stdout.strip().endswith("/chosen")

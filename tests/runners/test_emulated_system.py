"""The small arm64 system: several emulations at a time share its files."""

import shutil
import subprocess
from dataclasses import replace

import pytest

from pipeline import debian
from pipeline.runners.emulated_system import EmulatedSystem, seen_as

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not debian.have_apt(), reason="needs apt-get and dpkg, to unpack an arm64 system"),
]

# Says that it runs, waits for a line, then starts a program anew and reads what lies in the folders it was given.
SCRIPT = f"echo started; read line; cat {seen_as('data')}/note {seen_as('more')}/note"


def start(system, folders):
    command = [*system.command("cortex-a72", folders), "/bin/sh", "-c", SCRIPT]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=system.environment(),
    )
    assert process.stdout.readline() == "started\n"
    return process


def test_one_that_ends_takes_nothing_from_one_that_still_runs(tmp_path):
    fetched = EmulatedSystem.fetch(())
    # A copy, in which no earlier run has left anything.
    system = replace(fetched, root=tmp_path / "root")
    shutil.copytree(fetched.root, system.root, symlinks=True, ignore=lambda _, names: {"mnt", "host-rootfs"} & {*names})
    running = []
    for number in ("first", "second"):
        folders = {name: tmp_path / number / name for name in ("data", "more")}
        for name, folder in folders.items():
            folder.mkdir(parents=True)
            (folder / "note").write_text(f"{number} {name}\n")
        running.append(start(system, folders))
    for number, process in zip(("first", "second"), running, strict=True):
        output, _ = process.communicate("go on\n", timeout=60)
        assert output == f"{number} data\n{number} more\n"
        assert process.returncode == 0

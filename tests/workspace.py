"""A copy of the repository in which `dvc repro` ran: made once in each process that needs it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.imports import ROOT


class Workspace:
    """A copy of the repository's files in a Git repository of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, folder: Path) -> "Workspace":
        """Copy the files into an empty folder, less what DVC remembers of its runs, and commit them."""
        listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        for name in subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
            if name and (ROOT / name).is_file() and name != "dvc.lock":
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "copy"]):
            subprocess.run(["git", *command], cwd=folder, check=True)
        return cls(folder)

    def environment(self) -> dict[str, str]:
        """The tests' own, with the commands of their Python first."""
        return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False
        )

    def repro(self, *arguments: str) -> str:
        done = self.run("dvc", "repro", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def report(self, name: str) -> dict:
        return json.loads((self.folder / "reports" / f"{name}.json").read_text())

    def outdated(self) -> set[str]:
        done = self.run("dvc", "status", "--json")
        assert done.returncode == 0, done.stderr
        return set(json.loads(done.stdout))

    def outputs(self) -> dict[str, str]:
        """Hash of every output by path, less those that hold a wall-clock time."""
        lock = yaml.safe_load((self.folder / "dvc.lock").read_text())
        return {
            out["path"]: out["md5"]
            for stage in lock["stages"].values()
            for out in stage.get("outs", [])
            if not out["path"].startswith(("reports/host-", "site"))
        }

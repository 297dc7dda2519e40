"""A copy of the repository in which a small network on real digits goes through the whole pipeline in seconds."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from pipeline.params import load_params
from tests.imports import ROOT
from tests.workspace import Workspace

BOARD, HOST = "mps2-an386", "host-onnxruntime"


class SmallWorkspace(Workspace):
    """A workspace with two targets, whose board runs our portable kernels, and without baselines.

    Args:
        folder: where it is.
        variables: of the environment of its commands, beside those of this process.
    """

    def __init__(self, folder: Path, **variables: str) -> None:
        super().__init__(folder)
        self._variables = {"PYTHONPATH": str(folder), "DVC_NO_ANALYTICS": "1", **variables}

    def environment(self) -> dict[str, str]:
        return super().environment() | self._variables

    @classmethod
    def make(cls, folder: Path) -> "SmallWorkspace":
        super().make(folder)
        made = cls(folder)
        shutil.rmtree(folder / "baselines")
        (folder / "params.yaml").write_text(_small_params())
        with (folder / f"targets/{BOARD}.yaml").open("a") as target:
            target.write("kernels: portable\n")
        made.commit()
        return made

    def clone(self, folder: Path, **variables: str) -> "SmallWorkspace":
        """What is committed, cloned elsewhere."""
        subprocess.run(["git", "clone", "-q", self.folder, folder], check=True)
        return SmallWorkspace(folder, **variables)

    def commit(self) -> None:
        """All that git does not ignore."""
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
        for arguments in (["add", "-A"], ["commit", "-qm", "state"]):
            subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True)

    def sixfold(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run(sys.executable, "-m", "pipeline.cli", *arguments)

    def rebuild(self, target: str) -> None:
        """Build and verify a target as it is now; the verification may find what it likes."""
        built = self.sixfold("build", target)
        assert built.returncode == 0, built.stderr
        verified = self.sixfold("verify", target)
        assert verified.returncode in (0, 1), verified.stderr

    def failures(self, target: str) -> dict[str, tuple[str, str]]:
        """Detail and causes of what fails the gate, by quantity; empty where its exit code is 0."""
        checked = self.sixfold("check", target, "--json")
        (outcome,) = json.loads(checked.stdout)
        assert outcome["error"] is None, outcome["error"]
        found = {f["quantity"]: (f["detail"], "; ".join(f["causes"])) for f in _failed(outcome)}
        assert checked.returncode == int(bool(found)), checked.stderr
        assert not found or checked.stderr == f"failed: {target}: {', '.join(found)}\n"
        return found


def _failed(outcome: dict[str, Any]) -> list[dict[str, Any]]:
    return [finding for finding in outcome["findings"] if finding["verdict"] == "failed"]


def _small_params() -> str:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    digits = params["experiments"]["digits"]
    digits["model"] |= {"width": 0.1, "stem_stride": 2}
    digits["train"] |= {"epochs": 2}
    digits["data"] |= {"calibration": 64}
    digits["quantize"] |= {"calibration_images": 64}
    enabled = load_params(ROOT / "params.yaml").targets
    params["targets"] = {name: enabled[name].model_dump() for name in (HOST, BOARD)}
    return yaml.safe_dump(params, sort_keys=False)

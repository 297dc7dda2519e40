"""Running stages as DVC does: a process of their own, in a folder with params.yaml."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]


def write_params(folder: Path, **changes: dict[str, Any]) -> None:
    """The repository's params.yaml with its image-folder experiment made tiny, and `changes` to its sections."""
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    experiment = params["experiments"]["image-folder"]
    experiment["data"] |= {"image_size": 32, "channels": 1, "mean": [0.0], "std": [1.0], "calibration": 6}
    experiment["data"] |= {"validation": 0.2, "test": 0.2}
    experiment["model"] |= {"width": 0.1, "stem_stride": 1}
    experiment["train"] |= {"epochs": 2, "batch_size": 8}
    experiment["quantize"]["calibration_images"] = 6
    for section, values in changes.items():
        experiment[section] |= values
    params |= {"experiment": "image-folder", "image_folder": "images"}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


def command(stage: str) -> list[str]:
    """The command of a stage."""
    return [sys.executable, "-m", f"pipeline.stages.{stage}"]


def environment() -> dict[str, str]:
    """This process's environment, with the repository's package importable from anywhere."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def run_stage(stage: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a stage in `folder` to its end."""
    return subprocess.run(
        command(stage), cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=600
    )

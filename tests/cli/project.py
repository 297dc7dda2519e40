"""A project with a small network of random weights, and `sixfold` run in it as a user does."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.graph.ir import IntegerGraph
from pipeline.graph.qdq import int8_qdq
from pipeline.graph.reader import Reader
from pipeline.metadata import IMPORTED
from tests.graph.graphs import small_mobilenet

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("cat", "dog", "owl", "fox", "hen")


def network(channels: int = 1) -> IntegerGraph:
    """Takes images of 16 x 16 pixels."""
    metadata = {
        "sixfold.labels": json.dumps(LABELS),
        "sixfold.mean": json.dumps([0.0] * channels),
        "sixfold.std": json.dumps([1.0] * channels),
        "sixfold.central_crop": "1.0",
        IMPORTED: "{}",  # so that there are test inputs without a data set
    }
    graph = small_mobilenet(1, channels=channels, classes=len(LABELS))
    # Read back from its file, so that tensors have the names that artefacts know them by.
    return Reader(int8_qdq(dataclasses.replace(graph, metadata=metadata)), "the test").read()


def make_project(root: Path, graph: IntegerGraph) -> Path:
    """Fill `root` with params.yaml, targets/, firmware/ and the network; return it."""
    for name in ("params.yaml", "constraints.txt"):
        shutil.copy(ROOT / name, root)
    shutil.copytree(ROOT / "targets", root / "targets")
    (root / "firmware").symlink_to(ROOT / "firmware")
    (root / "models").mkdir()
    write_model(root, graph)
    return root


def write_model(root: Path, graph: IntegerGraph) -> None:
    """Make `graph` the model of a project."""
    (root / "models/model.int8.onnx").write_bytes(int8_qdq(graph).SerializeToString())


def picture(path: Path, seed: int) -> Path:
    """A random picture as a file."""
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def environment() -> dict[str, str]:
    """For a process that runs elsewhere than in the repository."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def command(*arguments: str) -> list[str]:
    """`sixfold` with arguments."""
    return [sys.executable, "-m", "pipeline.cli", *arguments]


def sixfold(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `sixfold` in `folder` and wait for its end."""
    return subprocess.run(
        command(*arguments), cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=300
    )

"""A repository with results, small and made up, whose every fact a test can change."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.files import sha256_file
from pipeline.predictions import Predictions
from tests.imports import ROOT
from tests.report.repository import target_report

BOARD, HOST, OTHER_HOST = "mps2-an386", "host-onnxruntime", "host-tvm"
IMAGES = 1000

_FILES = {
    "models/model.pt": b"weights",
    "models/model.onnx": b"float model",
    "models/model.int8.onnx": b"int8 model",
    "calibration/rounding.py": b'"""Rounds."""\n',
    "firmware/kernels/portable/add.c": b"/* adds */\n",
    "data/prepared/calibration.images.npy": b"calibration images",
    "data/prepared/test.images.npy": b"test images",
    "data/prepared/dataset.json": b"{}",
}


class Repository:
    """Three verified targets in `root`, without baselines."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("params.yaml", "dvc.yaml"):
            shutil.copy(ROOT / name, root)
        shutil.copytree(ROOT / "targets", root / "targets")
        for name, content in _FILES.items():
            self.write(name, content)
        for name in (BOARD, HOST, OTHER_HOST):
            self.write(f"artifacts/{name}/model", b"compiled")
            report = target_report(name, predictions=predictions(wrong=20))
            report["model"]["sha256"] = sha256_file(root / "models/model.int8.onnx")
            self.save(name, report)

    def write(self, name: str, content: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def new_model(self) -> None:
        """Another int8 model, of which all reports are."""
        self.write("models/model.int8.onnx", b"another int8 model")
        for name in (BOARD, HOST, OTHER_HOST):
            self.edit(
                name, lambda report: report["model"].update(sha256=sha256_file(self.path("models/model.int8.onnx")))
            )

    def path(self, name: str) -> Path:
        return self.root / name

    def save(self, name: str, report: dict[str, Any]) -> None:
        self.write(f"reports/{name}.json", json.dumps(report).encode())

    def edit(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        report = json.loads(self.path(f"reports/{name}.json").read_text())
        change(report)
        self.save(name, report)


def predictions(wrong: int, lucky: int = 0, images: str = "a1" * 32, labels: bool = True) -> dict[str, Any]:
    """Of :data:`IMAGES` images of ten classes the first `wrong` wrong, except for the first `lucky` of those."""
    right = np.arange(IMAGES) % 10
    classes = right.copy()
    classes[lucky:wrong] = (classes[lucky:wrong] + 1) % 10
    made = Predictions(images, IMAGES, np.arange(IMAGES), classes, right if labels else None)
    return made.record().model_dump()

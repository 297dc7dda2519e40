"""Where an interrupted run lies, and how it is told from every other."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

import pipeline.training
from pipeline.data.prepared import DESCRIPTION, PreparedDataset, images_file, labels_file
from pipeline.data.source import Split
from pipeline.files import atomic_file, sha256_file
from pipeline.models import mobilenet_v2

# Not below models/ or reports/: DVC deletes a stage's outputs before it starts the stage.
RUNS_FOLDER = Path("build/train")
LAST = "last"


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's checkpoint, written beside its place and renamed; Lightning itself copies it from /tmp."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write `checkpoint` whole or not at all."""
        with atomic_file(Path(path)) as temporary:
            torch.save(checkpoint, temporary)


def run_folder(dataset: PreparedDataset, params: Mapping[str, Any], root: Path = RUNS_FOLDER) -> Path:
    """The folder of the run with exactly these inputs: parameters, data, training code and versions.

    A checkpoint of other inputs lies elsewhere, and so is never resumed by mistake.
    """
    splits: tuple[Split, ...] = ("train", "validation")
    files = [dataset.folder / DESCRIPTION]
    files += [name(dataset.folder, split) for split in splits for name in (images_file, labels_file)]
    code = [*sorted(Path(pipeline.training.__path__[0]).glob("*.py")), Path(mobilenet_v2.__file__)]
    inputs = {
        "params": dict(params),
        "data": [sha256_file(file) for file in files],
        "code": {file.name: sha256_file(file) for file in code},
        "versions": {"torch": torch.__version__, "numpy": numpy.__version__},
    }
    return root / hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]


def readable_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint in `folder`, or None where there is none or a power cut damaged it: then all starts anew."""
    path = folder / f"{LAST}.ckpt"
    try:
        torch.load(path, map_location="meta", weights_only=True)
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged archive makes torch raise nearly anything
        print(f"{path}: damaged ({type(error).__name__}); training starts anew", flush=True)
        return None
    return path

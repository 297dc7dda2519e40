"""What an interrupted calibration had already worked out: kept in a folder, so that the next run goes on from there.

Three things are worth keeping: synthetic images, the encodings, and each layer's weights. All else is computed again,
the same to the last bit, since calibration is deterministic.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from calibration.options import Options
from pipeline.files import atomic_file

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]

# Not below models/ or reports/: DVC deletes a stage's outputs before it starts the stage.
RUNS_FOLDER = Path("build/quantize")
_SOURCES = Path(__file__).parent


class Keep(Protocol):
    """Remembers the result of a step."""

    def __call__(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """What `make` returns, or returned when a step of this name was made before."""
        ...


def make_anew(name: str, make: Callable[[], Arrays]) -> Arrays:
    """Remembers nothing."""
    del name
    return make()


class KeptSteps:
    """Remembers in a folder, each step in a file of its own that is complete or absent.

    Attributes:
        folder: where; made when the first step is written.
        found: how many steps were there already.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found = len(list(folder.glob("*.npz")))

    def __call__(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """See :class:`Keep`."""
        path = self.folder / f"{name}.npz"
        kept = _read(path)
        if kept is None:
            kept = make()
            with atomic_file(path) as temporary, temporary.open("wb") as stream:
                np.savez(stream, allow_pickle=False, **kept)
        return kept

    def remove(self) -> None:
        """Forget everything: the run has ended well."""
        shutil.rmtree(self.folder, ignore_errors=True)


def kept_steps(
    model: bytes, images: Mapping[str, npt.NDArray[Any]], options: Options, root: Path = RUNS_FOLDER
) -> KeptSteps:
    """The steps of the run with exactly these inputs; those of another lie elsewhere and are never taken by mistake.

    Args:
        model: the float model's file.
        images: all arrays that calibration is given, by name.
        options: how it quantises.
        root: below which the runs lie.
    """
    inputs = {
        "model": hashlib.sha256(model).hexdigest(),
        "images": {name: [str(a.dtype), a.shape, _digest(a)] for name, a in images.items()},
        "options": asdict(options),
        "code": sources_digest(),
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
    }
    return KeptSteps(root / hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16])


def sources_digest() -> str:
    """Hash of calibration's own modules."""
    digest = hashlib.sha256()
    for module in sorted(_SOURCES.glob("*.py")):
        digest.update(f"{module.name}\n".encode() + module.read_bytes())
    return digest.hexdigest()


def _digest(array: npt.NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def _read(path: Path) -> Arrays | None:
    """The arrays of a file; None where it is missing or a power cut damaged it: then the step is made again."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        print(f"{path}: damaged ({type(error).__name__}); this step is made again", flush=True)
        return None

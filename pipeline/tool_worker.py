"""What runs inside a tool's environment and calls a worker script: `pipeline/tool_process.py` starts it as a program.

Only numpy (any version from 1.26) and the standard library are there. Arrays travel as npz without pickle.
"""

import json
import runpy
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

REQUEST = "request.json"
REQUEST_ARRAYS = "request.npz"
ANSWER = "answer.json"
ANSWER_ARRAYS = "answer.npz"


def save_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays by name.

    Raises:
        ValueError: an array of Python objects.
    """
    # numpy.savez takes the names as keyword arguments, among which some names are its own.
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def load_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read what :func:`save_arrays` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def main() -> None:
    """``python tool_worker.py WORKER FOLDER``: read the request in FOLDER, call the worker, write its answer there."""
    worker, folder = sys.argv[1], Path(sys.argv[2])
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    answer, arrays = runpy.run_path(worker)["answer"](request, load_arrays(folder / REQUEST_ARRAYS))
    save_arrays(folder / ANSWER_ARRAYS, arrays)
    (folder / ANSWER).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Running something in a tool's own environment: a module of the tool, or a worker script of ours.

A *worker* is a script of ours beside the backend or runner that uses it. It is executed in the tool's environment,
which has the tool and numpy and nothing of ours: it imports no module of this project. It defines ::

    def answer(request: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]

and is called by :func:`run_worker` with JSON values and arrays; what it returns comes back. What it prints is shown
only if it fails. `dvc.yaml` and `params.yaml` cannot see such a script in the imports: keep it in a folder they watch.
"""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from pipeline import tool_worker
from pipeline.errors import SixfoldError
from pipeline.tool_environments import tool_python

_LAST_LINES = 3

Arrays = Mapping[str, npt.NDArray[Any]]


def run_worker(
    environment: str,
    worker: Path,
    request: Mapping[str, Any],
    arrays: Arrays | None = None,
    *,
    time_limit_s: float,
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Call ``answer(request, arrays)`` of the script `worker` in `environment`, which is made if need be.

    Args:
        environment: its name in ``[tool.sixfold.environments]``.
        worker: the script; ``Path(__file__).with_name(...)`` of its caller.
        request: JSON values.
        arrays: by name; any dtype but object.
        time_limit_s: after so many seconds it is ended, with all that it started.

    Returns:
        What the worker returned.

    Raises:
        SixfoldError: the environment cannot be made, or the worker failed or took too long; with its last lines.
    """
    with tempfile.TemporaryDirectory(prefix="sixfold-") as name:
        folder = Path(name)
        (folder / tool_worker.REQUEST).write_text(json.dumps(dict(request)), encoding="utf-8")
        tool_worker.save_arrays(folder / tool_worker.REQUEST_ARRAYS, arrays or {})
        script = str(Path(tool_worker.__file__))
        _run(environment, [script, str(worker.absolute()), str(folder)], worker.name, folder, time_limit_s)
        value = json.loads((folder / tool_worker.ANSWER).read_text(encoding="utf-8"))
        return value, tool_worker.load_arrays(folder / tool_worker.ANSWER_ARRAYS)


def run_module(environment: str, module: str, arguments: Sequence[str], *, folder: Path, time_limit_s: float) -> str:
    """Run ``python -m MODULE ARGUMENTS`` in `environment`, which is made if need be.

    Args:
        environment: its name in ``[tool.sixfold.environments]``.
        module: of the tool.
        arguments: its command line.
        folder: the working directory.
        time_limit_s: after so many seconds it is ended, with all that it started.

    Returns:
        What it printed, its errors and warnings included.

    Raises:
        SixfoldError: the environment cannot be made, or the module failed or took too long; with its last lines.
    """
    return _run(environment, ["-m", module, *arguments], module, folder, time_limit_s)


def _run(environment: str, arguments: list[str], what: str, folder: Path, time_limit_s: float) -> str:
    # -I: neither the user's PYTHON variables nor the working directory decide what is imported.
    command = [str(tool_python(environment)), "-I", *arguments]
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=time_limit_s)
    except subprocess.TimeoutExpired as error:
        raise SixfoldError(f"{environment}: {what}: not done after {time_limit_s:g} s; ended") from error
    finally:
        if process.poll() is None:  # too slow, or we were interrupted: end it and all that it started
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        raise SixfoldError(f"{environment}: {what}: {_ending(process.returncode)}: {_last_lines(output)}")
    return output


def _ending(code: int) -> str:
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"


def _last_lines(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return " | ".join(lines[-_LAST_LINES:]) or "it printed nothing"

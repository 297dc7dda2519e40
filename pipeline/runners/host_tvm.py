"""Runs what TVM compiled on this computer's CPU, one thread."""

from pathlib import Path
from typing import Any

import numpy as np
import tvm
from tvm import relax

from pipeline.errors import SixfoldError
from pipeline.files import read_json, sha256_file
from pipeline.graph.ir import Int8Array
from pipeline.runners import Infer, RunResult, host
from pipeline.targets import Target

SAMPLES: int | None = None


def run_artefact(artefact: Path, target: Target, inputs: Int8Array) -> RunResult:
    """Execute the first library whose instructions this CPU has on all `inputs`, then time it.

    Raises:
        SixfoldError: the artefact is missing or damaged, or this CPU has no instruction set that it was compiled for.
    """
    description = read_json(artefact / "model.json")
    library = _suitable(description, str(artefact))
    infer = _load(artefact / library["library"], library["sha256"], target.name)
    images = [np.ascontiguousarray(image[np.newaxis]) for image in inputs]
    return RunResult(
        outputs=host.run_all(infer, images, target.name),
        latency=host.measure(infer, images),
        tools=description["tools"],
        details={"instruction_set": library["instruction_set"], "untuned": library["untuned"]},
    )


def open_inference(artefact: Path, target: Target) -> Infer:
    """Load the first library whose instructions this CPU has.

    Raises:
        SixfoldError: the artefact is missing or damaged, or this CPU has no instruction set that it was compiled for.
    """
    library = _suitable(read_json(artefact / "model.json"), str(artefact))
    infer = _load(artefact / library["library"], library["sha256"], target.name)
    return lambda image: infer(np.ascontiguousarray(image[np.newaxis])).reshape(-1)


def _load(path: Path, sha256: str, name: str) -> Infer:
    # A library that was cut short would end this process by a signal, not by an error.
    if not path.is_file() or sha256_file(path) != sha256:
        raise SixfoldError(f"{path}: damaged or missing; run `sixfold build {name}` again")
    try:
        machine = relax.VirtualMachine(tvm.runtime.load_module(str(path)), tvm.cpu())
    except (RuntimeError, OSError, ValueError) as error:
        raise SixfoldError(f"{path}: TVM cannot load it ({str(error).splitlines()[0]})") from error
    return lambda image: np.asarray(machine["main"](tvm.runtime.tensor(image)).numpy(), np.int8)


def _suitable(description: dict[str, Any], where: str) -> dict[str, Any]:
    flags = host.cpu_flags()
    for library in description["libraries"]:
        if flags.issuperset(library["cpu_flags"]):
            found: dict[str, Any] = library
            return found
    wanted = "; ".join(" ".join(library["cpu_flags"]) for library in description["libraries"])
    raise SixfoldError(f"{where}: this CPU has none of the instruction sets that it was compiled for ({wanted})")

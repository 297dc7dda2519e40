"""Runs what TVM compiled on this computer's CPU, one thread."""

from pathlib import Path
from typing import Any

import numpy as np
import tvm
from tvm import relax

from pipeline.errors import SixfoldError
from pipeline.files import read_json, sha256_file
from pipeline.graph.ir import Int8Array
from pipeline.runners import RunResult, host
from pipeline.targets import Target

SAMPLES: int | None = None


def run_artefact(artefact: Path, target: Target, inputs: Int8Array) -> RunResult:
    """Execute the first library whose instructions this CPU has on all `inputs`, then time it.

    Raises:
        SixfoldError: the artefact is missing or damaged, or this CPU has no instruction set that it was compiled for.
    """
    description = read_json(artefact / "model.json")
    library = _suitable(description, str(artefact))
    path = artefact / library["library"]
    # A library that was cut short would end this process by a signal, not by an error.
    if not path.is_file() or sha256_file(path) != library["sha256"]:
        raise SixfoldError(f"{path}: damaged or missing; run `sixfold build {target.name}` again")
    try:
        machine = relax.VirtualMachine(tvm.runtime.load_module(str(path)), tvm.cpu())
    except (RuntimeError, OSError, ValueError) as error:
        raise SixfoldError(f"{path}: TVM cannot load it ({str(error).splitlines()[0]})") from error

    images = [np.ascontiguousarray(image[np.newaxis]) for image in inputs]

    def infer(image: Int8Array) -> Int8Array:
        return np.asarray(machine["main"](tvm.runtime.tensor(image)).numpy(), np.int8)

    return RunResult(
        outputs=host.run_all(infer, images, target.name),
        latency=host.measure(infer, images),
        tools=description["tools"],
        details={"instruction_set": library["instruction_set"], "untuned": library["untuned"]},
    )


def _suitable(description: dict[str, Any], where: str) -> dict[str, Any]:
    flags = host.cpu_flags()
    for library in description["libraries"]:
        if flags.issuperset(library["cpu_flags"]):
            found: dict[str, Any] = library
            return found
    wanted = "; ".join(" ".join(library["cpu_flags"]) for library in description["libraries"])
    raise SixfoldError(f"{where}: this CPU has none of the instruction sets that it was compiled for ({wanted})")

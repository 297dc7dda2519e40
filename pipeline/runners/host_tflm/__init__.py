"""Runs a ``.tflite`` file in the interpreter of TensorFlow Lite Micro, as its authors build it for this computer.

The kernels are the portable reference ones, so outputs are those of any microcontroller and times are not: no latency
is taken. The arena, the one block of memory that the interpreter works in, is measured.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.backends.litert.artefact import ARTEFACT, Codes, input_codes
from pipeline.backends.litert.flatbuffer import BUFFER_ALIGNMENT
from pipeline.backends.litert.memory import activations, live_bytes
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array
from pipeline.graph.reference import Family
from pipeline.runners import Footprint, LayerMemory, RunResult
from pipeline.targets import Target
from pipeline.tool_environments import tool_environment
from pipeline.tool_process import run_worker

SAMPLES: int | None = None

_ENVIRONMENT = "tflite-micro"
_WORKER = Path(__file__).with_name("worker.py")
_TIME_LIMIT_S = 3600.0
_SPARE_BYTES = 1 << 20


@dataclass(frozen=True)
class Measured:
    """What the interpreter computed and used.

    Attributes:
        outputs: int8 ``(samples, classes)``.
        total: bytes of the arena, on this 64-bit computer.
        activations: of these, for tensors.
    """

    outputs: Int8Array
    total: int
    activations: int


def run_artefact(artefact: Path, target: Target, inputs: Int8Array) -> RunResult:
    """Execute ``model.tflite`` on all `inputs`.

    Raises:
        SixfoldError: the artefact is missing or damaged, or the interpreter's environment cannot be made.
    """
    content = _read(artefact / ARTEFACT)
    value, arrays = _run(content, input_codes(inputs, target.tflite.input), ())
    arena = value["arena"]
    head, tail = arena.pop("head"), arena.pop("tail")
    return RunResult(
        outputs=arrays["outputs"],
        latency=None,
        footprint=Footprint(
            ram_bytes=arena.pop("total"),
            layers=tuple(LayerMemory(name, count) for name, count in live_bytes(content).items()),
        ),
        tools={_ENVIRONMENT: tool_environment(_ENVIRONMENT).version},
        # What the interpreter keeps between inferences, on this 64-bit machine, and of what that consists.
        details={"arena": {"activations": head, "interpreter": tail, "interpreter_parts": arena}},
    )


def run_tensors(artefact: Path, target: Target, image: Int8Array, family: Family) -> Mapping[str, Int8Array]:
    """Every activation of one inference, by name.

    Args:
        artefact: folder of the artefact.
        target: what it was built for.
        image: int8 ``(height, width, channels)``.
        family: ``fixed-point``, the only one that it computes in.
    """
    del family
    content = _read(artefact / ARTEFACT)
    names = {activation.index: activation.name for activation in activations(content)}
    _, arrays = _run(content, input_codes(image[np.newaxis], target.tflite.input), tuple(names))
    return {name: arrays[f"tensor {index}"][0] for index, name in names.items()}


def measure(content: bytes, inputs: Int8Array) -> Measured:
    """Execute a file whose input is int8, as :mod:`pipeline.backends.litert.writer` writes it.

    Raises:
        SixfoldError: the interpreter's environment cannot be made, or the interpreter refuses the file.
    """
    value, arrays = _run(content, inputs, ())
    return Measured(arrays["outputs"], value["arena"]["total"], value["arena"]["head"])


def _run(content: bytes, inputs: Codes, tensors: tuple[int, ...]) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    # Enough for all activations side by side. Beyond them the interpreter keeps less than the file has: 8 bytes for
    # each channel's multiplier and shift, where the file has 20 of scales, zero points and biases.
    needed = sum(activation.size for activation in activations(content)) + len(content) + _SPARE_BYTES
    # The interpreter aligns what it keeps downwards from the end: an aligned end makes the count repeatable.
    arena = -(-needed // BUFFER_ALIGNMENT) * BUFFER_ALIGNMENT
    return run_worker(
        _ENVIRONMENT,
        _WORKER,
        {"arena": arena, "tensors": list(tensors)},
        {"model": np.frombuffer(content, np.uint8), "inputs": inputs},
        time_limit_s=_TIME_LIMIT_S,
    )


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SixfoldError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        activations(content)
    except (struct.error, IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SixfoldError(f"{path}: cannot load it (damaged: {error})") from error
    return content

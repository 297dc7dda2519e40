"""What the runners on this computer share: progress, timing, the machine's name."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pipeline.backends.uint8_twin import Uint8Array, from_uint8, to_uint8
from pipeline.graph.ir import Int8Array
from pipeline.progress import progress_bar
from pipeline.runners import Latency

_WARM_UP = 5
_REPEATS = 50

#: One inference: uint8 ``(1, channels, height, width)`` to uint8 ``(1, classes, 1, 1)``.
Infer = Callable[[Uint8Array], Uint8Array]


def run_all(infer: Infer, inputs: Int8Array, description: str) -> Int8Array:
    """Run every int8 ``(samples, height, width, channels)`` input; returns int8 ``(samples, classes)``."""
    rows = []
    with progress_bar(description, len(inputs)) as advance:
        for image in _planar(inputs):
            rows.append(from_uint8(infer(image)).reshape(-1))
            advance(1)
    return np.stack(rows)


def measure(infer: Infer, inputs: Int8Array) -> Latency:
    """Median wall-clock time of one inference on one thread, in ms, after a warm-up."""
    images = _planar(inputs[: _WARM_UP + _REPEATS])
    for image in images[:_WARM_UP]:
        infer(image)
    times = []
    for repeat in range(_REPEATS):
        image = images[repeat % len(images)]
        start = time.perf_counter()
        infer(image)
        times.append((time.perf_counter() - start) * 1e3)
    return Latency("measured", "ms", statistics.median(times), _REPEATS, f"{cpu_name()}, 1 thread")


def cpu_name() -> str:
    """The processor's marketing name where the system tells it, else its architecture."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or os.name


def _planar(inputs: Int8Array) -> list[Uint8Array]:
    return [np.ascontiguousarray(image.transpose(2, 0, 1)[np.newaxis]) for image in to_uint8(inputs)]

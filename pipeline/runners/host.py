"""What the runners on this computer share: progress, timing, the machine's name."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.graph.ir import Int8Array
from pipeline.progress import progress_bar
from pipeline.runners import Latency

_WARM_UP = 5
_REPEATS = 50

Image = TypeVar("Image", bound=npt.NDArray[Any])


def run_all(infer: Callable[[Image], Int8Array], images: Sequence[Image], description: str) -> Int8Array:
    """Run every image, in the runtime's own layout; returns int8 ``(samples, classes)``."""
    rows = []
    with progress_bar(description, len(images)) as advance:
        for image in images:
            rows.append(infer(image).reshape(-1))
            advance(1)
    return np.stack(rows)


def measure(infer: Callable[[Image], object], images: Sequence[Image]) -> Latency:
    """Median wall-clock time of one inference on one thread, in ms, after a warm-up."""
    images = images[: _WARM_UP + _REPEATS]
    for image in images[:_WARM_UP]:
        infer(image)
    times = []
    for repeat in range(_REPEATS):
        image = images[repeat % len(images)]
        start = time.perf_counter()
        infer(image)
        times.append((time.perf_counter() - start) * 1e3)
    return Latency("measured", "ms", statistics.median(times), _REPEATS, f"{cpu_name()}, 1 thread")


def cpu_flags() -> frozenset[str]:
    """Instruction sets of this computer's processor, as Linux names them; empty elsewhere."""
    return frozenset(_cpu_info("flags").split())


def cpu_name() -> str:
    """The processor's marketing name where the system tells it, else its architecture."""
    return _cpu_info("model name") or platform.processor() or platform.machine() or os.name


def _cpu_info(field: str) -> str:
    """First line of /proc/cpuinfo with this field; empty where there is none."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == field:
                return value.strip()
    except OSError:
        pass
    return ""

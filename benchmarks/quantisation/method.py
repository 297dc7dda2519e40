"""What a way of quantising is: a name, the images it gets, what decides its result, how it is run and timed."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any, Literal, TypeAlias

import onnx

from benchmarks.quantisation.problem import Problem
from pipeline.models.onnx_export import serialise

Arithmetic: TypeAlias = Literal["onnxruntime", "fixed-point", "float"]


@dataclass(frozen=True)
class Quantised:
    """An int8 QDQ file and what making it took: wall-clock and processor time."""

    model: bytes
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, eq=False)
class Method:
    """One way of quantising.

    Attributes:
        name: as the tables have it.
        images: how many calibration images it is given; at most.
        decides: JSON values that decide its result, beside the images and the float network.
        quantise: runs it on that many images.
        computed_by: the arithmetics that it is scored in.
        reads_metadata: whether the float file's metadata decide its result too, which only ours reads.
    """

    name: str
    images: int
    decides: Mapping[str, Any]
    quantise: Callable[[Problem, int], Quantised] = field(repr=False)
    computed_by: tuple[Arithmetic, ...] = ("onnxruntime",)
    reads_metadata: bool = False


@contextmanager
def stopwatch() -> Iterator[Callable[[], tuple[float, float]]]:
    """Yields a function that tells the seconds since then: wall clock, and processor time with that of children."""

    def processor() -> float:
        children = getrusage(RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    wall, cpu = time.perf_counter(), processor()
    yield lambda: (time.perf_counter() - wall, processor() - cpu)


def timed(work: Callable[[], onnx.ModelProto]) -> Quantised:
    """Run a quantiser under the stopwatch."""
    with stopwatch() as elapsed:
        model = work()
        return Quantised(serialise(model), *elapsed())

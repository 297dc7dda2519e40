"""The engines that a target file can name in `kernels`."""

from typing import NamedTuple

from pipeline.backends.cortex_m.cmsis_nn import cmsis_nn
from pipeline.backends.cortex_m.engine import Engine
from pipeline.backends.cortex_m.kernel import Simd
from pipeline.backends.cortex_m.layer_by_layer import LayerByLayer
from pipeline.backends.cortex_m.portable import PORTABLE
from pipeline.backends.cortex_m.streaming.builds import build_for
from pipeline.backends.cortex_m.streaming.engine import StreamingEngine
from pipeline.targets import InputMode, Kernels, Optimize


class Mode(NamedTuple):
    """A kernel library, and how the image comes to it."""

    kernels: Kernels
    input: InputMode = "frame"

    def __str__(self) -> str:
        return self.kernels if self.input == "frame" else f"{self.kernels}, {self.input}"


#: Every library with the ways it takes an image.
MODES = (Mode("portable"), Mode("cmsis-nn"), Mode("streaming"), Mode("streaming", "rows"))

#: Takes any graph on any core.
PORTABLE_ENGINE = LayerByLayer(PORTABLE)


def engine_for(name: Kernels, simd: Simd, given: InputMode = "frame", optimize: Optimize = "memory") -> Engine:
    """The engine called `name`, for cores with these vector instructions.

    Args:
        name: as a target file's `kernels` says.
        simd: of the core.
        given: how the image comes; only the streaming engine takes rows.
        optimize: what the streaming engine's schedule is chosen for.
    """
    match name:
        case "portable":
            return PORTABLE_ENGINE
        case "cmsis-nn":
            return LayerByLayer(cmsis_nn(simd))
        case "streaming":
            return StreamingEngine(build_for(simd), given == "rows", optimize)


def default_kernels(simd: Simd) -> Kernels:
    """What a target file that names no library gets: CMSIS-NN where it uses the core's vector instructions."""
    return "portable" if simd == "none" else "cmsis-nn"

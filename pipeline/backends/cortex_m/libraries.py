"""The kernel libraries that a target file can name in `kernels`."""

from pipeline.backends.cortex_m.cmsis_nn import cmsis_nn
from pipeline.backends.cortex_m.kernel import KernelLibrary, Simd
from pipeline.backends.cortex_m.portable import PORTABLE
from pipeline.targets import Kernels


def kernel_library(name: Kernels, simd: Simd) -> KernelLibrary:
    """The library called `name`, for cores with these vector instructions."""
    return {"portable": lambda _: PORTABLE, "cmsis-nn": cmsis_nn}[name](simd)


def default_kernels(simd: Simd) -> Kernels:
    """What a target file that names no library gets: CMSIS-NN where it uses the core's vector instructions."""
    return "portable" if simd == "none" else "cmsis-nn"

"""Which C function computes each operator: the seam between the code generator and the kernel libraries.

A library is a folder of `firmware/kernels` and a module here. It may lack an operator, or not suit a shape: its module
then names the portable function.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pipeline.errors import SixfoldError
from pipeline.graph.ir import IntegerGraph, Operator
from pipeline.targets import Kernels

FIRMWARE = Path(__file__).resolve().parents[3] / "firmware"

#: What a core multiplies int8 codes with: nothing but scalars, the DSP extension's SMLAD, or Helium.
Simd = Literal["none", "dsp", "mve"]


@dataclass(frozen=True)
class Kernel:
    """The function that computes one operator.

    Attributes:
        function: its name; its parameters follow from the operator (`firmware/include/sixfold/kernels.h`).
        scratch_bytes: what it needs beside input and output.
        leads: by operator input, how many bytes the output must start before it so that the two may overlap when no
            later operator reads the input; None where they must not overlap at all. Empty: none may.
        linked: functions that must be in the firmware because of it, each with the class of vector instruction that
            it must contain (a key of :data:`pipeline.backends.cortex_m.instructions.CLASSES`), None for any code.
    """

    function: str
    scratch_bytes: int = 0
    leads: tuple[int | None, ...] = ()
    linked: Mapping[str, str | None] | None = None


@dataclass(frozen=True)
class KernelLibrary:
    """A library for one kind of core.

    Attributes:
        name: its folder in `firmware/kernels`.
        header: what the generated code includes for it beside `sixfold/kernels.h`, if anything.
        choose: the function for an operator.
    """

    name: Kernels
    header: str | None
    choose: Callable[[IntegerGraph, Operator], Kernel]


@dataclass(frozen=True)
class Core:
    """A core of `firmware/cores.json`.

    Attributes:
        flags: of the compiler.
    """

    name: str
    flags: str
    simd: Simd


def load_core(name: str) -> Core:
    """Look a core up.

    Raises:
        SixfoldError: the firmware has no such core; names those it has.
    """
    cores = json.loads((FIRMWARE / "cores.json").read_text())
    if name not in cores:
        raise SixfoldError(f"core {name}: not in firmware/cores.json; there are {', '.join(cores)}")
    simd = cores[name]["simd"]
    assert simd in get_args(Simd)
    return Core(name, cores[name]["flags"], simd)

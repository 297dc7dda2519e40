"""From the integer graph to shared libraries, one per instruction set of the target."""

from __future__ import annotations

import shutil
from pathlib import Path

import tvm
from tvm import relax

from pipeline.backends.tvm.isa import INSTRUCTION_SETS, InstructionSet
from pipeline.backends.tvm.plan import Plan
from pipeline.backends.tvm.relax_module import relax_module, untuned
from pipeline.backends.tvm.tuning import load_schedules
from pipeline.errors import SixfoldError
from pipeline.files import sha256_file, write_json
from pipeline.graph.ir import IntegerGraph
from pipeline.targets import Target

DESCRIPTION = "model.json"


def compile_graph(graph: IntegerGraph, target: Target, folder: Path) -> None:
    """Write one shared library per instruction set of the target and ``model.json``, which describes them.

    Raises:
        SixfoldError: the C++ compiler that links is missing, or an operator's numbers do not suit the instructions.
    """
    libraries = []
    for name in target.instruction_sets:
        isa = INSTRUCTION_SETS[name]
        schedules = load_schedules(isa)
        file = f"model-{name}.so"
        executable = relax.build(relax_module(graph, isa, schedules), tvm.target.Target(dict(isa.llvm)))
        executable.export_library(str(folder / file), cc=_linker(isa))
        libraries.append(
            {
                "file": file,
                "sha256": sha256_file(folder / file),
                "instruction_set": name,
                "cpu_flags": sorted(isa.cpu_flags),
                "untuned": untuned(Plan(graph, isa).kernels(), schedules),
            }
        )
    height, width, channels = graph.tensors[graph.input].shape
    write_json(
        folder / DESCRIPTION,
        {
            "sha256": graph.sha256(),
            "input": [height, width, channels],
            "classes": graph.tensors[graph.output].size,
            "libraries": libraries,
            "tools": {"apache-tvm": tvm.__version__},
        },
    )


def _linker(isa: InstructionSet) -> str:
    machine = isa.llvm["mtriple"].split("-")[0]
    command = "g++" if machine == "x86_64" else f"{machine}-linux-gnu-g++"
    found = shutil.which(command)
    if found is None:
        raise SixfoldError(f"{command} is not installed; `make setup` installs it, and links what TVM compiles")
    return found

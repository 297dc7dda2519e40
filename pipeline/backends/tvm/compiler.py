"""From the integer graph to shared libraries, one per instruction set of the target."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tvm
from tvm import relax

from pipeline.backends.linux import write_device_files
from pipeline.backends.tvm.isa import INSTRUCTION_SETS, InstructionSet
from pipeline.backends.tvm.linux import cross_compiler, write_runtime
from pipeline.backends.tvm.plan import Plan
from pipeline.backends.tvm.relax_module import relax_module, untuned
from pipeline.backends.tvm.tuning import load_schedules
from pipeline.files import sha256_file, write_json
from pipeline.graph.ir import IntegerGraph
from pipeline.progress import progress_bar
from pipeline.targets import Target

#: Of a library: writing the kernels, compiling, linking.
_STEPS = 3
_ENGINE = Path(__file__).with_name("device_engine.py")


def compile_graph(graph: IntegerGraph, target: Target, folder: Path) -> None:
    """Write the artefact: shared libraries, and for another machine all that it needs to run them.

    On this computer's processor there is one library per instruction set of the target and ``model.json``, which
    describes them. For a Raspberry Pi the folder is complete, see :mod:`pipeline.backends.linux`.

    Raises:
        SixfoldError: a compiler is missing, or an operator's numbers do not suit the instructions.
    """
    sets = [INSTRUCTION_SETS[name] for name in target.instruction_sets]
    with progress_bar("compiling", _STEPS * len(sets)) as advance:
        libraries = [_compile(graph, isa, folder, advance) for isa in sets]
    machine = sets[0].machine
    if machine == "x86_64":
        description = {"sha256": graph.sha256(), "libraries": libraries, "tools": {"apache-tvm": tvm.__version__}}
        write_json(folder / "model.json", description)
    else:
        tools = write_runtime(machine, folder)
        write_device_files(graph, target.family, _ENGINE, {**libraries[0], "tools": tools}, folder)


def _compile(
    graph: IntegerGraph, isa: InstructionSet, folder: Path, advance: Callable[[float], None]
) -> dict[str, Any]:
    """One shared library; returns what is to be known of it."""
    schedules = load_schedules(isa)
    file = f"model-{isa.name}.so"
    module = relax_module(graph, isa, schedules)
    advance(1)
    executable = relax.build(module, tvm.target.Target(dict(isa.llvm)))
    advance(1)
    executable.export_library(str(folder / file), cc=cross_compiler(isa.machine))
    advance(1)
    return {
        "library": file,
        "sha256": sha256_file(folder / file),
        "instruction_set": isa.name,
        "cpu_flags": sorted(isa.cpu_flags),
        "untuned": untuned(Plan(graph, isa).kernels(), schedules),
    }

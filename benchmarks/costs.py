"""Instructions of every operator by its sizes: measured on emulated boards, fitted, and kept for estimates.

``python -m benchmarks.costs`` builds some networks for each core and kernel library, fits the linear model of
:mod:`pipeline.sweep.costs` to the instructions of their layers, and tries it on others that the fit did not see. The
weights are random: what an operator costs hardly depends on them.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import numpy as np
import typer
from elftools.elf.elffile import ELFFile
from scipy.optimize import nnls

from benchmarks.boards import BOARDS, Board
from pipeline.backends.cortex_m.compiler import compile_graph
from pipeline.backends.cortex_m.engine import Need
from pipeline.backends.cortex_m.kernel import load_core
from pipeline.backends.cortex_m.libraries import MODES, Mode, engine_for
from pipeline.backends.cortex_m.skeleton import Variant, skeleton
from pipeline.errors import exits_cleanly
from pipeline.files import write_json
from pipeline.graph.ir import Add, GlobalAveragePool, IntegerGraph, Operator
from pipeline.report.format import UNKNOWN
from pipeline.report.markdown import markdown_table, replace_tables
from pipeline.runners import Latency
from pipeline.runners.qemu_system import run_artefact
from pipeline.sweep.costs import (
    COSTS_FILE,
    FEATURES,
    Costs,
    KernelCosts,
    estimated_instructions,
    features,
    kind,
    lanes,
    served_bytes,
)
from pipeline.targets import Kernels

_FITTED = (
    Variant(0.35, (32, 32, 1), 1, 10),
    Variant(0.35, (160, 160, 1), 2, 2),
    Variant(0.75, (96, 96, 3), 2, 100),
)
_HELD_OUT = (Variant(0.5, (224, 224, 3), 2, 10), Variant(1.0, (160, 160, 3), 2, 1000))
#: Of a firmware for use; the arena and the stack are counted apart.
_IN_FLASH = ("vectors", "app_text", "text", "rodata", "weights", "data")
_IN_RAM = ("noinit", "data", "app_bss", "bss")
_SEED = 6
_LARGEST = 127
DOCS_FILE = Path("docs/sweep.md")

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Measured:
    """One network on one board.

    Attributes:
        layers: names of the operators of each layer in `latency`.
        need: what the network itself takes of the memories.
        sections: bytes by name, of the firmware for use.
    """

    graph: IntegerGraph
    layers: Sequence[Sequence[str]]
    latency: Latency
    need: Need
    sections: Mapping[str, int]
    tools: Mapping[str, str]


def describe(variant: Variant) -> str:
    """For example ``width 0.35, 32x32x1, 10 classes``."""
    image = "x".join(map(str, variant.image))
    return f"width {variant.width:g}, {image}, stem stride {variant.stem_stride}, {variant.classes} classes"


def with_random_weights(graph: IntegerGraph) -> IntegerGraph:
    """The same operators with weights from a fixed seed that are spread like a trained network's.

    Most of a channel's weights are far smaller than its largest, so that sums stay small; the streaming kernels have a
    slow form for what is larger. A bell of four deviations to the largest code has that spread.
    """
    random = np.random.default_rng(_SEED)

    def fill(operator: Operator) -> Operator:
        if isinstance(operator, Add | GlobalAveragePool):
            return operator
        bell = random.normal(0, _LARGEST / 4, operator.weight.shape)
        weights = np.clip(np.rint(bell), -_LARGEST, _LARGEST).astype(np.int8)
        steps = random.uniform(2.0**-9, 2.0**-8, operator.weight_scale.shape).astype(np.float32)
        return replace(operator, weight=weights, weight_scale=steps)

    return replace(graph, operators=tuple(fill(operator) for operator in graph.operators))


def measure(variant: Variant, board: Board, mode: Mode) -> Measured:
    """Build a network for an emulated board and count.

    Raises:
        SixfoldError: a tool is missing or failed.
    """
    graph, target = with_random_weights(skeleton(variant)), board.target(mode.kernels, mode.input)
    engine = engine_for(mode.kernels, load_core(board.core).simd, mode.input)
    layers = [layer.operators for layer in engine.program(graph, guarded=False).layers]
    image = np.random.default_rng(_SEED).integers(-128, 128, (1, *variant.image), dtype=np.int8)
    with TemporaryDirectory(prefix="sixfold-costs-") as name:
        folder = Path(name)
        compile_graph(graph, target, folder)
        result = run_artefact(folder, target, image)
        with (folder / "serial.elf").open("rb") as stream:
            sections = {section.name: int(section["sh_size"]) for section in ELFFile(stream).iter_sections()}
    return Measured(graph, layers, result.cost, engine.need(graph), sections, result.tools)


def fit(measured: Sequence[Measured], vector: int) -> dict[str, dict[str, float]]:
    """Instructions for each unit of a feature, by kind of operator: the least relative error that no negative has.

    Args:
        measured: networks on one board with one library.
        vector: see :func:`pipeline.sweep.costs.features`.
    """
    kinds = sorted({kind(operator) for one in measured for operator in one.graph.operators})
    columns = {name: index * len(FEATURES) for index, name in enumerate(kinds)}
    rows, counted = [], []
    for one in measured:
        operators = {operator.name: operator for operator in one.graph.operators}
        for names, layer in zip(one.layers, one.latency.layers, strict=True):
            row = np.zeros(len(kinds) * len(FEATURES))
            for operator in (operators[name] for name in names):
                first = columns[kind(operator)]
                row[first : first + len(FEATURES)] += list(features(one.graph, operator, vector).values())
            rows.append(row)
            counted.append(layer.value)
    # Neither a large layer nor a small one decides alone: errors are weighted by the root of what was counted.
    weight = 1.0 / np.sqrt(counted)
    solution, _ = nnls(np.array(rows) * weight[:, None], np.array(counted) * weight)
    return {
        name: {feature: float(f"{solution[first + index]:.6g}") for index, feature in enumerate(FEATURES)}
        for name, first in columns.items()
    }


def kernel_costs(fitted: Sequence[Measured], held_out: Sequence[Measured], vector: int) -> KernelCosts:
    """The costs of a kernel library on a core, from networks to fit and from others to try the fit on."""

    def beside(one: Measured, sections: Sequence[str], needed: int) -> int:
        return sum(one.sections.get(f".{name}", 0) for name in sections) - needed

    everything = (*fitted, *held_out)
    costs = KernelCosts(
        instructions=fit(fitted, vector),
        lanes=vector,
        code_bytes=max(beside(one, _IN_FLASH, one.need.constants) for one in everything),
        data_bytes=max(beside(one, _IN_RAM, one.need.variables + served_bytes(one.graph)) for one in everything),
        stack_bytes=fitted[0].sections[".stack"],
        held_out_error=0.0,
    )
    errors = [estimated_instructions(one.graph, costs) / one.latency.value - 1 for one in held_out]
    return costs.model_copy(update={"held_out_error": float(f"{max(errors, key=abs):.4f}")})


@app.command(epilog="Exit codes: 0 good, 2 wrong usage or input. Run it in the repository's root; it takes minutes.")
def measure_costs() -> None:
    """Measure what operators cost, by emulated core and kernel library, into pipeline/sweep/costs.json."""
    cores: dict[str, dict[Kernels, KernelCosts]] = {}
    tools: dict[str, str] = {}
    for core, board in sorted(BOARDS.items()):
        for kernels in get_args(Kernels):
            modes = [mode for mode in MODES if mode.kernels == kernels]
            fitted, held_out = (
                [measure(variant, board, mode) for variant in variants for mode in modes]
                for variants in (_FITTED, _HELD_OUT)
            )
            costs = kernel_costs(fitted, held_out, lanes(load_core(core).simd, kernels))
            cores.setdefault(core, {})[kernels] = costs
            for one in held_out:
                tools |= one.tools
            print(
                f"{core} {kernels}: {costs.held_out_error:+.2%} on the held-out networks", file=sys.stderr, flush=True
            )
    costs_file = Costs(
        cores=cores,
        fitted=tuple(map(describe, _FITTED)),
        held_out=tuple(map(describe, _HELD_OUT)),
        tools=dict(sorted(tools.items())),
    )
    write_json(COSTS_FILE, costs_file.model_dump(mode="json"))
    replace_tables(DOCS_FILE, {"sweep-error": error_table(costs_file)})


def error_table(costs: Costs) -> str:
    """The held-out errors as a Markdown table: a row a core, a column a kernel library."""
    names = sorted({name for libraries in costs.cores.values() for name in libraries})
    rows = [
        (core, *(f"{libraries[name].held_out_error:+.1%}" if name in libraries else UNKNOWN for name in names))
        for core, libraries in sorted(costs.cores.items())
    ]
    return markdown_table(("Core", *names), rows)


@exits_cleanly
def main() -> None:
    """Entry point: 0 good, 2 wrong usage or input, 130 interrupted."""
    app(prog_name="python -m benchmarks.costs")


if __name__ == "__main__":
    main()

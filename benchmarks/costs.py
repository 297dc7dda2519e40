"""Instructions of every operator by its sizes: measured on emulated boards, fitted, and kept for estimates.

``python -m benchmarks.costs`` builds two networks for each core and kernel library, fits the linear model of
:mod:`pipeline.sweep.costs` to the instructions of their layers, and tries it on a third that the fit did not see. The
weights are random: what an operator costs hardly depends on them.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import typer
from elftools.elf.elffile import ELFFile
from scipy.optimize import nnls

from benchmarks.boards import BOARDS, Board
from pipeline.backends.cortex_m.compiler import compile_graph
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
    LIBRARIES,
    Costs,
    KernelCosts,
    estimated_instructions,
    features,
    kind,
)
from pipeline.targets import Kernels

_FITTED = (Variant(0.35, (32, 32, 1), 1, 10), Variant(0.75, (96, 96, 3), 2, 100))
_HELD_OUT = Variant(1.0, (160, 160, 3), 2, 1000)
_SEED = 6
_LARGEST = 127
DOCS_FILE = Path("docs/sweep.md")

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Measured:
    """One network on one board.

    Attributes:
        sections: bytes by name, of the firmware for use.
    """

    graph: IntegerGraph
    latency: Latency
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


def measure(variant: Variant, board: Board, kernels: Kernels) -> Measured:
    """Build a network for an emulated board and count.

    Raises:
        SixfoldError: a tool is missing or failed.
    """
    graph, target = with_random_weights(skeleton(variant)), board.target(kernels)
    image = np.random.default_rng(_SEED).integers(-128, 128, (1, *variant.image), dtype=np.int8)
    with TemporaryDirectory(prefix="sixfold-costs-") as name:
        folder = Path(name)
        compile_graph(graph, target, folder)
        result = run_artefact(folder, target, image)
        with (folder / "serial.elf").open("rb") as stream:
            sections = {section.name: int(section["sh_size"]) for section in ELFFile(stream).iter_sections()}
    return Measured(graph, result.cost, sections, result.tools)


def fit(measured: Iterable[Measured]) -> dict[str, dict[str, float]]:
    """Instructions for each unit of a feature, by kind of operator: the least relative error that no negative has."""
    rows: dict[str, list[tuple[tuple[float, ...], float]]] = {}
    for one in measured:
        for operator, layer in zip(one.graph.operators, one.latency.layers, strict=True):
            rows.setdefault(kind(operator), []).append((features(one.graph, operator), layer.value))
    fitted = {}
    for name, pairs in sorted(rows.items()):
        amounts, counted = np.array([row for row, _ in pairs]), np.array([value for _, value in pairs])
        # Neither a large layer nor a small one decides alone: errors are weighted by the root of what was counted.
        weight = 1.0 / np.sqrt(counted)
        solution, _ = nnls(amounts * weight[:, None], counted * weight)
        fitted[name] = {feature: float(f"{value:.6g}") for feature, value in zip(FEATURES, solution, strict=True)}
    return fitted


def kernel_costs(fitted: list[Measured], held_out: Measured) -> KernelCosts:
    """The costs of a kernel library on a core, from networks to fit and from one to try the fit on."""
    sections = fitted[0].sections
    flash = ("vectors", "app_text", "text", "rodata", "data")
    ram = ("noinit", "data", "app_bss", "bss")
    costs = KernelCosts(
        instructions=fit(fitted),
        code_bytes=sum(sections.get(f".{name}", 0) for name in flash),
        data_bytes=sum(sections.get(f".{name}", 0) for name in ram),
        stack_bytes=sections[".stack"],
        held_out_error=0.0,
    )
    error = estimated_instructions(held_out.graph, costs) / held_out.latency.value - 1
    return costs.model_copy(update={"held_out_error": float(f"{error:.4f}")})


@app.command(epilog="Exit codes: 0 good, 2 wrong usage or input. Run it in the repository's root; it takes minutes.")
def measure_costs() -> None:
    """Measure what operators cost, by emulated core and kernel library, into pipeline/sweep/costs.json."""
    cores: dict[str, dict[Kernels, KernelCosts]] = {}
    tools: dict[str, str] = {}
    for core, board in sorted(BOARDS.items()):
        for kernels in LIBRARIES:
            *fitted, held_out = (measure(variant, board, kernels) for variant in (*_FITTED, _HELD_OUT))
            costs = kernel_costs(fitted, held_out)
            cores.setdefault(core, {})[kernels] = costs
            tools |= held_out.tools
            print(f"{core} {kernels}: {costs.held_out_error:+.2%} on the held-out network", file=sys.stderr, flush=True)
    costs_file = Costs(
        cores=cores,
        fitted=tuple(map(describe, _FITTED)),
        held_out=describe(_HELD_OUT),
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

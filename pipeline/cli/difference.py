"""`sixfold diff`: outputs and activations of a target against the reference, on one image."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.cli.output import print_json
from pipeline.cli.prediction import ImageClasses
from pipeline.data.source import UnreadableImageError
from pipeline.errors import GateFailedError, SixfoldError
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.graph.reader import read_graph
from pipeline.graph.reference import execute, execute_all
from pipeline.parity import (
    OPERATOR_TOLERANCE_LSB,
    Parity,
    TensorParity,
    TensorRunner,
    as_reference,
    compare,
    operator_parity,
    tensor_parity,
)
from pipeline.paths import INT8_MODEL, built_artefact
from pipeline.report.console import console, table
from pipeline.runners import load_runner
from pipeline.stages.samples import choose_samples
from pipeline.targets import Target, load_target, on_a_board

#: Test images that are run to find one whose outputs differ: a second or two for an emulated board.
SEARCHED = 16
#: Differing codes of the first layer that are shown.
SHOWN = 5

#: How the layers were compared, by what a runner offers.
METHODS = {
    "tensors": "every activation of one inference that lies whole in memory",
    "operators": "each operator alone on the reference's inputs",
    "outputs": "outputs only; this target's runner cannot read activations",
}


@dataclass(frozen=True)
class Place:
    """One differing code: row, column and channel, and what is there."""

    position: tuple[int, int, int]
    expected: int
    found: int


@dataclass(frozen=True)
class Difference:
    """What was compared, and what came of it.

    Attributes:
        image: names it.
        method: key of :data:`METHODS`.
        layers: in execution order.
        tolerance: steps that a layer may differ by.
        places: of the first layer that differs by more, its first codes that do.
    """

    target: str
    image: str
    reference: str
    output: Parity
    method: str
    layers: tuple[TensorParity, ...] = ()
    tolerance: int = 0
    places: tuple[Place, ...] = ()

    @property
    def first(self) -> TensorParity | None:
        """The first layer that differs by more than it may."""
        return next((layer for layer in self.layers if layer.max_lsb > self.tolerance), None)

    @property
    def failure(self) -> str | None:
        """What is wrong, in words; None where nothing is."""
        if self.first is not None:
            how_many = f"{self.first.mismatched} of {self.first.elements} codes, by at most {self.first.max_lsb} LSB"
            return f"{self.target}: the first layer that differs is {self.first.tensor}: {how_many}"
        if self.output.mismatched and self.method != "operators":
            return f"{self.target}: {self.output.mismatched} of {self.output.elements} output codes differ"
        return None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "first": asdict(self.first) if self.first else None, "equal": self.failure is None}


def show_difference(
    name: str, image: Path | None, sample: int | None, port: str | None, every: bool, as_json: bool
) -> None:
    """Compare target `name` with its reference and print the layers.

    Args:
        name: of a file in targets/.
        image: a file; None for the test split.
        sample: index in the test split; None for the first that differs, else the first.
        port: a board's serial port, in place of the target's own runner.
        every: also list layers that are equal.
        as_json: print JSON instead of a table.

    Raises:
        GateFailedError: something differs, after it was printed.
        SixfoldError: nothing is built, an image cannot be read, or the machine is missing.
    """
    target = load_target(name) if port is None else on_a_board(load_target(name), port)
    artefact = built_artefact(name)
    graph = read_graph(INT8_MODEL)
    difference = _compare(target, artefact, graph, *_chosen(graph, image, sample))
    if as_json:
        print_json(difference.as_json())
    else:
        _print(difference, every)
    if difference.failure is not None:
        raise GateFailedError(difference.failure)


def _chosen(graph: IntegerGraph, image: Path | None, sample: int | None) -> tuple[Int8Array, list[str]]:
    """Inputs ``(n, height, width, channels)`` and what they are called."""
    if image is not None:
        if sample is not None:
            raise SixfoldError("give an image file or --sample, not both")
        try:
            return ImageClasses(graph, str(INT8_MODEL)).read(image)[np.newaxis], [image.as_posix()]
        except UnreadableImageError as error:
            raise SixfoldError(f"{image}: not a readable image ({error})") from error
    samples = choose_samples(graph)
    count = len(samples.inputs)
    if sample is None:
        chosen = np.linspace(0, count - 1, min(SEARCHED, count)).astype(np.int64)
    elif sample < count:
        chosen = np.array([sample])
    else:
        raise SixfoldError(f"--sample {sample}: the {samples.source} has {count}, numbered from 0")
    return np.ascontiguousarray(samples.inputs[chosen]), [f"{samples.source}, number {index}" for index in chosen]


def _compare(target: Target, artefact: Path, graph: IntegerGraph, inputs: Int8Array, names: list[str]) -> Difference:
    runner = load_runner(target)
    outputs = runner.run_artefact(artefact, target, inputs).codes
    expected = execute(graph, inputs, target.reference)
    index = int((outputs != expected).any(1).argmax())
    image = inputs[index]
    output = compare(outputs[[index]], expected[[index]], target.reference)
    known = Difference(target.name, names[index], target.reference, output, "outputs")
    operators = operator_parity(runner, graph, image[np.newaxis])
    if operators is not None:
        rows = tuple(
            TensorParity(operator.output, row.elements, row.mismatched, row.max_lsb)
            for operator, row in zip(graph.operators, operators, strict=True)
        )
        return Difference(known.target, known.image, known.reference, output, "operators", rows, OPERATOR_TOLERANCE_LSB)
    if not isinstance(runner, TensorRunner):
        return known
    tensors = runner.run_tensors(artefact, target, image, target.reference)
    reference = execute_all(graph, image[np.newaxis], target.reference)
    layers = tuple(tensor_parity(graph, reference, tensors, target.reference))
    first = next((layer.tensor for layer in layers if layer.mismatched), None)
    places = () if first is None else tuple(_places(reference[first], tensors[first], first))
    return Difference(known.target, known.image, known.reference, output, "tensors", layers, 0, places)


def _places(expected: Int8Array, found: Int8Array, name: str) -> Iterator[Place]:
    codes = as_reference(name, found, expected)
    for _, row, column, channel in np.argwhere(codes != expected)[:SHOWN].tolist():
        at = (0, row, column, channel)
        yield Place((row, column, channel), int(expected[at]), int(codes[at]))


def _print(difference: Difference, every: bool) -> None:
    out = console()
    output = difference.output
    state = f"{output.mismatched} of {output.elements} codes differ" if output.mismatched else "equal"
    out.print(f"image: {difference.image}", markup=False)
    out.print(f"output against the {difference.reference} reference: {state}", markup=False)
    out.print(f"compared: {METHODS[difference.method]}", markup=False)
    differing = [layer for layer in difference.layers if layer.mismatched]
    if difference.layers:
        out.print(f"layers: {len(difference.layers)} compared, {len(differing)} differ", markup=False)
    shown = difference.layers if every else differing
    if shown:
        listing = table("layer", "codes", "differ", "at most, LSB", "")
        for layer in shown:
            mark = "first difference" if layer == difference.first else ""
            listing.add_row(layer.tensor, str(layer.elements), str(layer.mismatched), str(layer.max_lsb), mark)
        out.print(listing)
    if difference.places:
        listing = table("row", "column", "channel", "expected", "found")
        for place in difference.places:
            listing.add_row(*map(str, (*place.position, place.expected, place.found)))
        out.print(listing)

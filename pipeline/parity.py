"""Comparing what a runtime computed with the reference of its arithmetic family, code by code."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array, IntegerGraph, Operator
from pipeline.graph.reference import Family, execute_all, execute_operator
from pipeline.progress import progress_bar
from pipeline.targets import Target

#: What a runtime that fuses across a rounding may differ by, per operator: one rounding moves a code by one step.
OPERATOR_TOLERANCE_LSB = 1


@dataclass(frozen=True)
class Parity:
    """How many codes of the artefact's output differ from the reference, and by how much at most."""

    reference: str
    samples: int
    elements: int
    mismatched: int
    max_lsb: int


@dataclass(frozen=True)
class OperatorParity:
    """As :class:`Parity`, for one operator on the reference's own inputs."""

    name: str
    elements: int
    mismatched: int
    max_lsb: int


@runtime_checkable
class OperatorRunner(Protocol):
    """A runner whose runtime fuses operators across a rounding, and so offers each of them alone."""

    def run_operator(self, graph: IntegerGraph, operator: Operator, inputs: Sequence[Int8Array]) -> Int8Array:
        """Execute one operator on int8 ``(samples, height, width, channels)`` inputs."""


@dataclass(frozen=True)
class TensorParity:
    """As :class:`Parity`, for one tensor of one inference."""

    tensor: str
    elements: int
    mismatched: int
    max_lsb: int


@dataclass(frozen=True)
class KernelParity:
    """One of the runtime's sets of kernels against the reference that it must equal.

    Attributes:
        kernels: empty for those that the runtime uses by itself.
        parity: of the outputs.
        first: where outputs differ and the runtime lets every tensor be read, the first tensor that differs.
    """

    kernels: str
    parity: Parity
    first: TensorParity | None = None

    def __str__(self) -> str:
        prefix = f"{self.kernels}: " if self.kernels else ""
        first = f", the first tensor that differs is {self.first.tensor}" if self.first else ""
        found = self.parity
        differ = f"{found.mismatched} of {found.elements} output codes differ from the {found.reference} reference"
        return f"{prefix}{differ}{first}"


@runtime_checkable
class TensorRunner(Protocol):
    """A runner whose runtime lets every activation be read."""

    def run_tensors(self, artefact: Path, target: Target, image: Int8Array, family: Family) -> Mapping[str, Int8Array]:
        """Every activation of one int8 ``(height, width, channels)`` image by name, in the arithmetic of `family`."""


def compare(outputs: Int8Array, expected: Int8Array, reference: str) -> Parity:
    """Count differing codes.

    Raises:
        SixfoldError: the artefact returned another shape than the reference.
    """
    if outputs.shape != expected.shape:
        raise SixfoldError(f"the artefact returned {outputs.shape}, the reference {expected.shape}")
    difference = np.abs(outputs.astype(np.int16) - expected)
    return Parity(
        reference=reference,
        samples=len(outputs),
        elements=outputs.size,
        mismatched=int((difference > 0).sum()),
        max_lsb=int(difference.max(initial=0)),
    )


def tensor_parity(
    graph: IntegerGraph, expected: Mapping[str, Int8Array], tensors: Mapping[str, Int8Array], family: Family
) -> Iterator[TensorParity]:
    """Every operator's output against the reference's, in execution order.

    Args:
        graph: the integer graph.
        expected: int8 ``(1, height, width, channels)`` by name, as the reference computed them.
        tensors: int8 of as many elements by name, as the artefact did; those that are missing were fused away.
        family: of the reference.

    Raises:
        SixfoldError: a tensor of the artefact has another size than the reference's.
    """
    for operator in graph.operators:
        if operator.output in tensors:
            wanted = expected[operator.output]
            found = compare(as_reference(operator.output, tensors[operator.output], wanted), wanted, family)
            yield TensorParity(operator.output, found.elements, found.mismatched, found.max_lsb)


def as_reference(name: str, codes: Int8Array, expected: Int8Array) -> Int8Array:
    """An artefact's tensor in the shape of the reference's.

    Raises:
        SixfoldError: it has another number of elements.
    """
    if codes.size != expected.size:
        raise SixfoldError(f"tensor {name}: the artefact's has {codes.size} elements, the reference's {expected.size}")
    return codes.reshape(expected.shape)


def first_difference(
    graph: IntegerGraph, image: Int8Array, tensors: Mapping[str, Int8Array], family: Family
) -> TensorParity | None:
    """The first tensor, in execution order, that is not the reference's for int8 ``(height, width, channels)``."""
    expected = execute_all(graph, image[np.newaxis], family)
    return next((row for row in tensor_parity(graph, expected, tensors, family) if row.mismatched), None)


def operator_parity(runner: object, graph: IntegerGraph, inputs: Int8Array) -> list[OperatorParity] | None:
    """Every operator alone on the float reference's own inputs.

    Args:
        runner: module of the runtime.
        graph: the integer graph.
        inputs: int8 ``(samples, height, width, channels)``.

    Returns:
        None for a runtime that never fuses across a rounding: its outputs must equal the reference's end to end.
    """
    if not isinstance(runner, OperatorRunner):
        return None
    tensors = execute_all(graph, inputs, "float")
    rows = []
    with progress_bar("operators alone", len(graph.operators)) as advance:
        for operator in graph.operators:
            sources = [tensors[name] for name in operator.inputs]
            expected = execute_operator(graph, operator, sources, "float")
            parity = compare(runner.run_operator(graph, operator, sources), expected, "float")
            rows.append(OperatorParity(operator.name, parity.elements, parity.mismatched, parity.max_lsb))
            advance(1)
    return rows

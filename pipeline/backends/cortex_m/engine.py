"""From the graph to C sources: the seam between the compiler and the ways to run a network on a Cortex-M."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pipeline.backends.cortex_m.kernel import Kernel
from pipeline.backends.cortex_m.memory_plan import MemoryPlan
from pipeline.graph.ir import IntegerGraph
from pipeline.memories import Memory
from pipeline.targets import Kernels


@dataclass(frozen=True)
class Layer:
    """What runs in one go and is timed by itself.

    Attributes:
        operators: names of those that it computes.
        macs: multiply-adds of one inference.
        kernel: the function that computes it.
    """

    name: str
    operators: tuple[str, ...]
    macs: int
    kernel: Kernel


@dataclass(frozen=True)
class Program:
    """C sources of a model.

    Attributes:
        files: name to text.
        plan: where activations and scratch lie.
        layers: in execution order, as `plan` and the model name them.
    """

    files: Mapping[str, str]
    plan: MemoryPlan
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Need:
    """What a network takes of a board's memories, in bytes; the code comes on top.

    Attributes:
        arena: input, activations and scratch.
        variables: what the generated code keeps beside the arena.
        constants: weights, and what each output channel has beside them, as the engine lays them out.
    """

    arena: int
    variables: int
    constants: int

    @property
    def ram(self) -> int:
        """All that an inference needs beside the stack."""
        return self.arena + self.variables

    def placed(self, memory: Memory) -> tuple[tuple[str, int], ...]:
        """The region of a board that each part goes to, and its bytes."""
        place = memory.place
        return (place.arena, self.arena), (place.data, self.variables), (place.weights, self.constants)


class Engine(Protocol):
    """A way to run a network, for one kind of core.

    Attributes:
        name: as a target file's `kernels` says.
        folder: in `firmware/kernels`.
    """

    @property
    def name(self) -> Kernels: ...

    @property
    def folder(self) -> str: ...

    def program(self, graph: IntegerGraph, guarded: bool) -> Program:
        """Plan the memory and generate the sources; `guarded` with guard zones around every buffer.

        Raises:
            SixfoldError: the engine does not take this graph.
        """

    def need(self, graph: IntegerGraph) -> Need:
        """What the graph takes, without generating anything.

        Raises:
            SixfoldError: the engine does not take this graph.
        """

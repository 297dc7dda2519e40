"""The engine that computes one operator after the other, each from whole tensors to a whole tensor."""

from dataclasses import dataclass

from pipeline.backends.cortex_m.emitter import emit_model
from pipeline.backends.cortex_m.engine import Layer, Need, Program
from pipeline.backends.cortex_m.guards import GUARD_BYTES, guard_zones
from pipeline.backends.cortex_m.kernel import KernelLibrary
from pipeline.backends.cortex_m.memory_plan import plan_memory
from pipeline.graph.cost import macs
from pipeline.graph.ir import Add, GlobalAveragePool, IntegerGraph
from pipeline.targets import Kernels

#: Bytes beside the weights for every output channel: bias, multiplier, shift.
_BYTES_PER_CHANNEL = 12
#: Of the counter of pushed rows.
_VARIABLES = 4


@dataclass(frozen=True)
class LayerByLayer:
    """Runs the functions of a kernel library."""

    library: KernelLibrary

    @property
    def name(self) -> Kernels:
        """The library's."""
        return self.library.name

    @property
    def folder(self) -> str:
        """The library's."""
        return self.library.name

    def program(self, graph: IntegerGraph, guarded: bool) -> Program:
        """Plan and generate, for any graph; see :class:`pipeline.backends.cortex_m.engine.Engine`."""
        kernels = {operator.name: self.library.choose(graph, operator) for operator in graph.operators}
        plan = plan_memory(graph, kernels, GUARD_BYTES if guarded else 0)
        zones = guard_zones(plan) if guarded else ()
        layers = tuple(Layer(name, (name,), count, kernels[name]) for name, count in macs(graph).items())
        return Program(emit_model(graph, plan, kernels, self.library.header, zones), plan, layers)

    def need(self, graph: IntegerGraph) -> Need:
        """By the plan."""
        kernels = {operator.name: self.library.choose(graph, operator) for operator in graph.operators}
        weighted = [operator for operator in graph.operators if not isinstance(operator, Add | GlobalAveragePool)]
        constants = sum(operator.weight.size + _BYTES_PER_CHANNEL * operator.bias.size for operator in weighted)
        return Need(plan_memory(graph, kernels).arena_bytes, _VARIABLES, constants)

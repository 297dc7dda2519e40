"""The engine that computes a MobileNetV2 row by row."""

from dataclasses import dataclass

from pipeline.backends.cortex_m.engine import Layer, Need, Program
from pipeline.backends.cortex_m.guards import GUARD_BYTES, guard_zones
from pipeline.backends.cortex_m.kernel import Kernel
from pipeline.backends.cortex_m.streaming.builds import Build
from pipeline.backends.cortex_m.streaming.constants import constant_bytes
from pipeline.backends.cortex_m.streaming.emitter import emit_streaming
from pipeline.backends.cortex_m.streaming.planner import StreamingPlan, plan_streaming
from pipeline.backends.cortex_m.streaming.structure import recognise
from pipeline.graph.cost import operator_macs
from pipeline.graph.ir import IntegerGraph
from pipeline.targets import Kernels, Optimize

#: Of the counter of pushed rows.
_COUNTER_BYTES = 4
#: Of a `sixfold_unit_state` on a board.
_STATE_BYTES = 20


@dataclass(frozen=True)
class StreamingEngine:
    """Runs a build of the streaming kernels.

    Attributes:
        build: for the core.
        pushed: whether the image comes row by row.
        optimize: what the schedule is chosen for.
    """

    build: Build
    pushed: bool = False
    optimize: Optimize = "memory"

    @property
    def name(self) -> Kernels:
        """As a target file says."""
        return "streaming"

    @property
    def folder(self) -> str:
        """The build's."""
        return self.build.library

    def program(self, graph: IntegerGraph, guarded: bool) -> Program:
        """Plan and generate; see :class:`pipeline.backends.cortex_m.engine.Engine`."""
        plan = self._plan(graph, GUARD_BYTES if guarded else 0)
        zones = guard_zones(plan.memory) if guarded else ()
        runs = [group.operators for group in plan.groups] + [plan.ending.operators]
        functions = ["sixfold_streaming_run"] * len(plan.groups) + ["sixfold_streaming_end"]
        if self.pushed:
            functions[0] = "sixfold_streaming_push"
        layers = tuple(
            Layer(
                name,
                tuple(operator.name for operator in operators),
                sum(operator_macs(graph, operator) for operator in operators),
                self._kernel(function),
            )
            for name, operators, function in zip(plan.memory.live_bytes, runs, functions, strict=True)
        )
        return Program(emit_streaming(graph, self.build.layout, plan, zones), plan.memory, layers)

    def _kernel(self, function: str) -> Kernel:
        return Kernel(function, linked={function: None, **self.build.linked})

    def need(self, graph: IntegerGraph) -> Need:
        """By the plan."""
        plan = self._plan(graph)
        units = [unit for group in plan.groups for unit in group.units]
        constants = constant_bytes(graph, self.build.layout, units, plan.ending, plan.ending_buffers.parts)
        return Need(plan.memory.arena_bytes, _COUNTER_BYTES + _STATE_BYTES * plan.most_units, constants)

    def _plan(self, graph: IntegerGraph, guard: int = 0) -> StreamingPlan:
        return plan_streaming(graph, recognise(graph), self.build.layout, self.pushed, self.optimize, guard)

"""Ways to execute an artefact: on this host, in an emulator, on a board."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, cast

from pipeline.errors import SixfoldError
from pipeline.targets import Target

if TYPE_CHECKING:  # a command that only asks which runners there are need not wait for NumPy
    from pipeline.graph.ir import Int8Array
    from pipeline.graph.reference import Family

RUNNER_MODULES = {
    ("onnxruntime", "host"): "pipeline.runners.host_onnxruntime",
    ("openvino", "host"): "pipeline.runners.host_openvino",
    ("tvm", "host"): "pipeline.runners.host_tvm",
    ("litert", "host"): "pipeline.runners.host_litert",
    ("tflm", "host"): "pipeline.runners.host_tflm",
    ("tvm", "qemu-user"): "pipeline.runners.qemu_user",
    ("onnxruntime-aarch64", "qemu-user"): "pipeline.runners.qemu_user_folder",
    ("litert-aarch64", "qemu-user"): "pipeline.runners.qemu_user_folder",
    ("cortex-m", "qemu-system"): "pipeline.runners.qemu_system",
    ("cortex-m", "serial"): "pipeline.runners.serial_port",
    ("ethos-u", "npu-model"): "pipeline.runners.ethos_u",
    ("ethos-u", "estimate"): "pipeline.runners.ethos_u",
}

#: Int8 codes ``(height, width, channels)`` of an image to the output's, ``(classes,)``, by a loaded artefact.
Infer: TypeAlias = "Callable[[Int8Array], Int8Array]"


@dataclass(frozen=True)
class LayerCost:
    """One operator's share of the latency, in the latency's unit."""

    name: str
    value: float
    macs: int


@dataclass(frozen=True)
class Latency:
    """What one inference costs.

    Attributes:
        kind: only a wall clock on the named machine is ``measured``; an emulator gives ``instructions``.
        value: per inference (the median where repeats differ).
        repeats: how many inferences `value` summarises.
        where: the machine, for example ``qemu-system mps2-an386``.
    """

    kind: Literal["measured", "instructions", "modelled", "estimated"]
    unit: Literal["ms", "instructions"]
    value: float
    repeats: int
    where: str
    layers: tuple[LayerCost, ...] = ()


@dataclass(frozen=True)
class LayerMemory:
    """Bytes of the activations that are needed while one operator runs."""

    name: str
    live_bytes: int


@dataclass(frozen=True)
class Footprint:
    """Bytes used on the device; None where it cannot be known.

    Attributes:
        layers: where a backend plans memory operator by operator, what each of them asks for, in execution order.
    """

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    stack_bytes: int | None = None
    layers: tuple[LayerMemory, ...] = ()


@dataclass(frozen=True)
class OtherKernels:
    """The same inputs computed in another way: by other kernels of the runtime, or before the last compiler.

    Attributes:
        name: of the kernels, for example ``reference``; for a report.
        family: whose reference they must equal.
        outputs: int8 ``(samples, classes)``.
    """

    name: str
    family: Family
    outputs: Int8Array


@dataclass(frozen=True)
class RunResult:
    """Outcome of running an artefact.

    Attributes:
        outputs: int8 ``(samples, classes)`` in the graph's own codes, whatever type the runtime uses; None where
            nothing executed the artefact.
        latency: None where the machine that ran it tells nothing about the target's.
        others: what was computed in other ways; each must equal its reference.
        tools: name and version of everything that took part.
        details: what only this runner can tell (JSON values), kept in the report.
        not_run: why there are no outputs.
        violations: what fails the gate by itself, in words.
    """

    outputs: Int8Array | None
    latency: Latency | None
    footprint: Footprint = Footprint()
    others: tuple[OtherKernels, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    not_run: str | None = None
    violations: tuple[str, ...] = ()

    def but(self, **changes: Any) -> RunResult:
        """The same result with some attributes replaced."""
        return replace(self, **changes)

    @property
    def codes(self) -> Int8Array:
        """The outputs of a run that has them.

        Raises:
            SixfoldError: nothing executed the artefact.
        """
        if self.outputs is None:
            raise SixfoldError(f"the artefact was not executed: {self.not_run}")
        return self.outputs

    @property
    def cost(self) -> Latency:
        """The latency of a run that has one.

        Raises:
            SixfoldError: the machine that ran it tells nothing about the target's.
        """
        if self.latency is None:
            raise SixfoldError("this machine only stands for the target, its time was not taken")
        return self.latency


class Runner(Protocol):
    """What a runner module offers.

    Attributes:
        SAMPLES: how many test images verification runs through it; None means all.
    """

    SAMPLES: int | None

    def run_artefact(self, artefact: Path, target: Target, inputs: Int8Array) -> RunResult:
        """Execute the artefact in folder `artefact` on int8 `inputs` ``(samples, height, width, channels)``.

        Raises:
            SixfoldError: the machine or a tool is missing, the artefact is damaged, or the device failed.
        """


def load_runner(target: Target) -> Runner:
    """Import the runner of a target's backend and `runner.kind` only when it is used."""
    return cast(Runner, importlib.import_module(RUNNER_MODULES[target.backend, target.runner.kind]))

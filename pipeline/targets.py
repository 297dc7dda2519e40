"""`targets/<name>.yaml`: a board as data, checked on load."""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from pipeline.boards import BoardSpec
from pipeline.errors import SixfoldError
from pipeline.memories import Memory
from pipeline.npu import MODELLED, NpuSpec
from pipeline.sizes import Bytes
from pipeline.validation import Checked, read_yaml, validate

TARGETS_FOLDER = Path("targets")

#: Backends whose artefact is made from a ``.tflite`` file.
TFLITE_BACKENDS = ("litert", "litert-aarch64", "tflm")


class RunnerSpec(Checked):
    """How the artefact is executed.

    Attributes:
        machine: the emulator's machine name for `qemu-system`, its processor for `qemu-user`.
        port: the board's serial port, for `serial`: a device file or a pyserial URL.
        stands_for: set when no emulator has the board and the machine is only of the same core.
    """

    kind: Literal["host", "qemu-system", "qemu-user", "serial", "npu-model", "estimate"]
    machine: str | None = None
    port: str | None = None
    stands_for: str | None = None

    @model_validator(mode="after")
    def _machine_where_needed(self) -> "RunnerSpec":
        if self.kind.startswith("qemu") != (self.machine is not None):
            raise ValueError("machine is needed for kinds qemu-system and qemu-user, and only there")
        if (self.kind == "serial") != (self.port is not None):
            raise ValueError("port is needed for kind serial, and only there")
        return self


#: Fields of `flash` by kind: those that must be there, those that may.
_FLASH_FIELDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "gdb": (frozenset(), frozenset({"server", "reset"})),
    "pyocd": (frozenset({"chip"}), frozenset()),
    "openocd": (frozenset({"config"}), frozenset()),
    "uf2": (frozenset({"family"}), frozenset()),
    "ssh": (frozenset(), frozenset()),
}


class FlashSpec(Checked):
    """How the artefact gets onto the board (see docs/flash.md; kind ssh: docs/raspberry-pi.md).

    Attributes:
        server: kind gdb: ``HOST:PORT`` of the GDB server; without it, `sixfold flash --server` must say.
        reset: kind gdb: the server's own command that resets and halts the core, such as ``reset halt``.
        chip: kind pyocd: the target type, one of ``pyocd list --targets``.
        config: kind openocd: configuration files in its search path, such as ``interface/stlink.cfg``.
        family: kind uf2: the boot loader's family.
    """

    kind: Literal["gdb", "pyocd", "openocd", "uf2", "ssh"]
    server: Annotated[str, Field(pattern=r"^[A-Za-z0-9.\-]+:\d{1,5}$")] | None = None
    reset: Annotated[str, Field(pattern=r"^[A-Za-z0-9_ ]+$")] | None = None
    chip: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]+$")] | None = None
    config: Annotated[list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_./\-]+$")]], Field(min_length=1)] | None = None
    family: Literal["rp2350-arm-s"] | None = None

    @model_validator(mode="after")
    def _fields_of_the_kind(self) -> "FlashSpec":
        given = {name for name in type(self).model_fields if name != "kind" and getattr(self, name) is not None}
        needed, permitted = _FLASH_FIELDS[self.kind]
        if missing := needed - given:
            raise ValueError(f"kind {self.kind} needs {', '.join(sorted(missing))}")
        if wrong := given - needed - permitted:
            raise ValueError(f"kind {self.kind} takes no {', '.join(sorted(wrong))}")
        return self


class Budget(Checked):
    """What verification fails on. Only the stated limits are checked.

    Attributes:
        accuracy_drop_points: of top-1 accuracy, float to int8, in percentage points.
        sram: that an inference may need in all: input, activations, scratch, variables and stack.
        flash: that code and constants may take.
    """

    accuracy_drop_points: Annotated[float, Field(ge=0)]
    sram: Bytes | None = None
    flash: Bytes | None = None


class Gate(Checked):
    """By how much `sixfold check` lets a target get worse than its baseline; see docs/regression-gate.md.

    Attributes:
        cost_percent: of instructions, or of what a compiler estimates.
        ram: bytes of RAM, and of stack.
        flash: bytes.
        time_ratio_percent: of the wall-clock time over that of another target of the same run, on the machine of the
            baseline; without it such ratios are shown and never fail.
    """

    cost_percent: Annotated[float, Field(ge=0)] = 0.0
    ram: Bytes = 0
    flash: Bytes = 0
    time_ratio_percent: Annotated[float, Field(gt=0)] | None = None


#: What TVM can generate code for, see `pipeline/backends/tvm/isa.py`.
InstructionSet: TypeAlias = Literal["avx512-vnni", "avx2", "neon-dotprod", "neon"]

#: Kernel libraries of backend `cortex-m`.
Kernels = Literal["portable", "cmsis-nn", "streaming"]

#: How an image comes to a board: whole, or row by row, so that it is never whole in memory.
InputMode = Literal["frame", "rows"]

#: What the streaming engine chooses its schedule for.
Optimize = Literal["memory", "speed"]


class TfliteOptions(Checked):
    """How a ``.tflite`` file is written where there is a choice; see `pipeline/backends/litert/writer.py`.

    Attributes:
        input: ``uint8`` puts an operator in front that subtracts 128.
        padding: ``operator`` writes what SAME cannot express as an operator of its own, ``kernel`` into the weights.
    """

    input: Literal["int8", "uint8"] = "int8"
    padding: Literal["operator", "kernel"] = "operator"


class OpenvinoOptions(Checked):
    """Where and how OpenVINO runs; see docs/openvino.md.

    Attributes:
        device: as OpenVINO names it; ``AUTO`` lets it choose among those that the computer has.
        hint: ``latency`` is one inference at a time on one thread, ``throughput`` as many at once as suit the device.
    """

    device: Literal["CPU", "GPU", "NPU", "AUTO"] = "CPU"
    hint: Literal["latency", "throughput"] = "latency"


#: Fields that only some backends take, and whether these need them.
_BACKEND_FIELDS: dict[str, tuple[tuple[str, ...], bool]] = {
    "instruction_sets": (("tvm",), True),
    "input": (("cortex-m",), False),
    "kernels": (("cortex-m",), False),
    "npu": (("ethos-u",), True),
    "openvino": (("openvino",), False),
    "optimize": (("cortex-m",), False),
    "tflite": (TFLITE_BACKENDS, False),
}


#: Backends whose runtime rounds in a way of its own, see `pipeline/graph/reference.py`.
_OWN_REFERENCES: dict[str, Literal["xnnpack", "mlas-neon"]] = {
    "litert": "xnnpack",
    "litert-aarch64": "xnnpack",
    "onnxruntime-aarch64": "mlas-neon",
}


class Target(Checked):
    """One board, or this host with one runtime.

    Attributes:
        name: that of the file.
        summary: what people read in the table of targets.
        backend: the compiler.
        core: of a microcontroller a key of `firmware/cores.json`, else what the table of targets shows.
        clock_hz: that the start-up sets, or the NPU's.
        kernels: what computes the operators of backend `cortex-m`; left out, the best for the core.
        input: how the image comes; `rows` needs kernels `streaming`.
        optimize: what the schedule of kernels `streaming` is chosen for: the least memory, or long strips.
        memory: of a microcontroller; needed by backend `cortex-m`.
        board: of a real board; an emulated machine needs none.
        runner: what verification executes the artefact with.
        flash: how `sixfold flash` writes it.
        npu: of backend `ethos-u`.
        budget: what verification fails on.
        instruction_sets: for TVM, the best first: the runner takes the first that the processor has.
    """

    name: str
    summary: str
    backend: Literal[
        "onnxruntime",
        "onnxruntime-aarch64",
        "openvino",
        "tvm",
        "litert",
        "litert-aarch64",
        "tflm",
        "cortex-m",
        "ethos-u",
    ]
    core: str
    clock_hz: Annotated[int, Field(gt=0)] | None = None
    kernels: Kernels | None = None
    input: InputMode = "frame"
    optimize: Optimize = "memory"
    memory: Memory | None = None
    board: BoardSpec | None = None
    runner: RunnerSpec
    flash: FlashSpec | None = None
    instruction_sets: tuple[InstructionSet, ...] = ()
    openvino: OpenvinoOptions = OpenvinoOptions()
    tflite: TfliteOptions = TfliteOptions()
    npu: NpuSpec | None = None
    budget: Budget
    gate: Gate = Gate()

    @property
    def family(self) -> Literal["fixed-point", "float"]:
        """Arithmetic family of the backend: how it turns an accumulator into an int8 code."""
        return "fixed-point" if self.backend in ("cortex-m", "tflm", "ethos-u") else "float"

    @property
    def reference(self) -> Literal["fixed-point", "float", "xnnpack", "mlas-neon"]:
        """The reference that the artefact's outputs must equal: the family's, or a runtime's own form of it."""
        return _OWN_REFERENCES.get(self.backend, self.family)

    @model_validator(mode="after")
    def _fields_suit_the_backend(self) -> "Target":
        for field, (backends, needed) in _BACKEND_FIELDS.items():
            given = field in self.model_fields_set
            if given and self.backend not in backends:
                raise ValueError(f"{field} is only for backend {' and '.join(backends)}")
            if needed and self.backend in backends and not (given and getattr(self, field)):
                raise ValueError(f"{field} is missing; backend {self.backend} needs it")
        return self

    @model_validator(mode="after")
    def _only_streaming_has_a_schedule(self) -> "Target":
        for field in ("input", "optimize"):
            if getattr(self, field) != type(self).model_fields[field].default and self.kernels != "streaming":
                raise ValueError(f"{field}: {getattr(self, field)} needs kernels: streaming")
        return self

    @model_validator(mode="after")
    def _microcontroller_has_memory(self) -> "Target":
        if self.backend == "cortex-m" and self.memory is None:
            raise ValueError("memory is missing; backend cortex-m needs memory.flash and memory.sram")
        if self.board is not None and self.clock_hz is None:
            raise ValueError("clock_hz is missing; board needs it, because the start-up sets the clock to it")
        return self

    @model_validator(mode="after")
    def _npu_is_described(self) -> "Target":
        if (self.backend == "ethos-u") != (self.runner.kind in ("npu-model", "estimate")):
            raise ValueError("runner: kinds npu-model and estimate are those of backend ethos-u, and of no other")
        if self.npu is not None and self.clock_hz is None:
            raise ValueError("clock_hz is missing; backend ethos-u needs the NPU's clock")
        if self.npu is not None and self.runner.kind == "npu-model" and self.npu.accelerator not in MODELLED:
            raise ValueError(f"runner: there is no model of {self.npu.accelerator}; take kind estimate")
        return self


def target_names(folder: Path = TARGETS_FOLDER) -> list[str]:
    """All targets, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load_target(name: str, folder: Path = TARGETS_FOLDER) -> Target:
    """Read and check `targets/<name>.yaml`.

    Raises:
        SixfoldError: no such file, or one line with file and field.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = target_names(folder)
        # A slip of a few letters has one answer; the list of all would bury it.
        close = get_close_matches(name, known, n=3, cutoff=0.8)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known) or 'none'}"
        raise SixfoldError(f"{path}: no such target; {hint}")
    target = validate(Target, read_yaml(path), str(path))
    if target.name != name:
        raise SixfoldError(f"{path}: name: is {target.name!r}, the file is called {name!r}; make them equal")
    return target


def on_a_board(target: Target, port: str) -> Target:
    """The same target, run on the board behind a serial port in place of its own runner.

    Raises:
        SixfoldError: it is no microcontroller.
    """
    if target.backend != "cortex-m":
        raise SixfoldError(f"target {target.name}: --port is for microcontrollers, its backend is {target.backend}")
    return target.model_copy(update={"runner": RunnerSpec(kind="serial", port=port)})

"""The schema of reports/bench.json: checked when written and when read."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from pipeline.errors import SixfoldError
from pipeline.files import read_json, write_json
from pipeline.targets import InputMode, Kernels
from pipeline.validation import Checked, validate

RESULTS_FILE = Path("reports/bench.json")

Runtime = Literal["onnxruntime", "openvino", "litert", "tvm"]
Count = Annotated[int, Field(ge=0)]


class NetworkRow(Checked):
    """What was measured.

    Attributes:
        input: height, width, channels.
        parameters: weights and biases of the integer graph.
        weights: where they come from, as in :class:`benchmarks.networks.Network`.
        graph_sha256: hash of all that decides the output bytes.
    """

    name: str
    width: PositiveFloat
    input: tuple[PositiveInt, PositiveInt, PositiveInt]
    classes: PositiveInt
    macs: PositiveInt
    parameters: PositiveInt
    weights: str
    graph_sha256: str

    @property
    def key(self) -> tuple[str, ...]:
        """What rows are sorted by."""
        return (self.name,)


class BoardRow(Checked):
    """One network on one emulated board.

    Attributes:
        where: the emulated machine.
        input: `frame` takes the whole image at once, `rows` as a camera delivers it.
        instructions: of one inference; neither cycles nor time.
        ram_bytes: static memory that an inference needs, input and scratch included; without stack.
        flash_bytes: code, constants and initial values.
        code_bytes: of these, machine code and vectors.
        mismatched: output codes that differ from the fixed-point reference.
    """

    network: str
    core: str
    where: str
    kernels: Kernels
    input: InputMode
    instructions: PositiveInt
    macs: PositiveInt
    ram_bytes: PositiveInt
    stack_bytes: PositiveInt
    flash_bytes: PositiveInt
    code_bytes: PositiveInt
    mismatched: Count

    @property
    def key(self) -> tuple[str, ...]:
        """What rows are sorted by."""
        return (self.network, self.core, self.kernels, self.input)


class HostRow(Checked):
    """One network in one runtime on the computer that ran the benchmark, on one thread.

    Attributes:
        where: the processor.
        ms: median wall-clock time of an inference.
        runs: how many inferences were timed.
        ratio: `ms` by that of the fastest runtime on this network, in the same run.
        mismatched: of `compared` output codes, how many differ from the float reference.
        max_lsb: by how many steps at most.
        operator_lsb: for a runtime that joins operators across a rounding, the most that any operator alone differs
            from the reference on the reference's own inputs; None for a runtime that must be exact from end to end.
    """

    network: str
    runtime: Runtime
    where: str
    ms: PositiveFloat
    runs: PositiveInt
    ratio: Annotated[float, Field(ge=1)]
    mismatched: Count
    compared: PositiveInt
    max_lsb: Count
    operator_lsb: Count | None

    @property
    def key(self) -> tuple[str, ...]:
        """What rows are sorted by."""
        return (self.network, self.runtime)


class Results(Checked):
    """One run of the benchmark: rows of different runs are never in one file."""

    networks: tuple[NetworkRow, ...]
    boards: tuple[BoardRow, ...]
    host: tuple[HostRow, ...]
    tools: dict[str, str]


def write_results(results: Results, path: Path = RESULTS_FILE) -> None:
    """Write the rows sorted; equal results give equal bytes."""
    value = results.model_dump(mode="json")
    for name, rows in (("networks", results.networks), ("boards", results.boards), ("host", results.host)):
        value[name] = [row.model_dump(mode="json") for row in sorted(rows, key=lambda row: row.key)]
    write_json(path, value)


def read_results(path: Path = RESULTS_FILE) -> Results:
    """Read what :func:`write_results` wrote.

    Raises:
        SixfoldError: missing, no JSON, or a field that is not as it should be.
    """
    if not path.is_file():
        raise SixfoldError(f"{path}: not found; run `make bench`, which makes it")
    return validate(Results, read_json(path), str(path))

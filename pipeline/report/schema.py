"""What the stages wrote, as far as reports show it: the schema of the files in reports/ and of the data set's own."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pipeline.predictions_record import PredictionsRecord


class Section(BaseModel):
    """Part of a report file: keys that are not known here are another reader's, values may be null."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


# A section or list that is null reads as one with nothing in it.
_EMPTY_IF_NULL = BeforeValidator(lambda value: {} if value is None else value)
_NO_ITEMS_IF_NULL = BeforeValidator(lambda value: () if value is None else value)


class ModelFacts(Section):
    """The quantised model that a target was verified with. `graph_sha256` is of what it computes, not of the file."""

    sha256: str | None = None
    graph_sha256: str | None = None
    params: int | None = None
    macs: int | None = None


class Accuracy(Section):
    """Fractions of `samples` test images; `drop` is fp32 minus int8 with its paired 95 % interval."""

    samples: int | None = None
    fp32: float | None = None
    int8: float | None = None
    drop: float | None = None
    drop_ci95: tuple[float, float] | None = None
    agreement: float | None = None


class Parity(Section):
    """Output codes of the artefact against the reference of its arithmetic family."""

    reference: str | None = None
    samples: int | None = None
    elements: int | None = None
    mismatched: int | None = None
    max_lsb: int | None = None


class Layer(Section):
    """One operator's share of the latency."""

    name: str
    value: float
    macs: int | None = None


class Latency(Section):
    """What one inference costs, and how that is known (`kind`)."""

    kind: Literal["measured", "instructions", "modelled", "estimated"] | None = None
    unit: str | None = None
    value: float | None = None
    repeats: int | None = None
    where: str | None = None
    layers: Annotated[tuple[Layer, ...], _NO_ITEMS_IF_NULL] = ()


class LayerMemory(Section):
    """Bytes of the activations that are needed while one operator runs."""

    name: str
    live_bytes: int


class MemoryUse(Section):
    """Bytes on the device. `layers` is there where memory is planned operator by operator."""

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    stack_bytes: int | None = None
    layers: Annotated[tuple[LayerMemory, ...], _NO_ITEMS_IF_NULL] = ()


class BudgetResult(Section):
    """Whether the target's limits were met."""

    passed: bool | None = None
    violations: Annotated[tuple[str, ...], _NO_ITEMS_IF_NULL] = ()


class OperatorParity(Section):
    """One operator alone on the reference's own inputs."""

    name: str
    elements: int
    mismatched: int
    max_lsb: int


class KernelParity(Parity):
    """The same artefact by other kernels that the runtime has."""

    kernels: str


class Arena(Section):
    """Parts of an interpreter's working memory: for activations, and what it keeps between inferences."""

    activations: int
    interpreter: int


class Details(Section):
    """What only some targets can tell. `operators` is there where a runtime fuses across a rounding."""

    operators: Annotated[tuple[OperatorParity, ...], _NO_ITEMS_IF_NULL] = ()
    other_kernels: Annotated[tuple[KernelParity, ...], _NO_ITEMS_IF_NULL] = ()
    arena: Arena | None = None
    stands_for: str | None = None
    not_run: str | None = None
    executed_by: str | None = None
    verified_on: str | None = None
    least_instructions: float | None = None
    most_instructions: float | None = None


class TargetReport(Section):
    """`reports/<target>.json`, as verification writes it."""

    target: str
    backend: str | None = None
    family: str | None = None
    model: Annotated[ModelFacts, _EMPTY_IF_NULL] = ModelFacts()
    accuracy: Annotated[Accuracy, _EMPTY_IF_NULL] = Accuracy()
    parity: Annotated[Parity, _EMPTY_IF_NULL] = Parity()
    latency: Annotated[Latency, _EMPTY_IF_NULL] = Latency()
    memory: Annotated[MemoryUse, _EMPTY_IF_NULL] = MemoryUse()
    budget: Annotated[BudgetResult, _EMPTY_IF_NULL] = BudgetResult()
    tools: Annotated[dict[str, str], _EMPTY_IF_NULL] = Field(default_factory=dict)
    details: Annotated[Details, _EMPTY_IF_NULL] = Details()
    predictions: PredictionsRecord | None = None


class FloatAccuracy(Section):
    """Accuracy of the trained network in PyTorch, as fractions."""

    validation: float | None = None
    test: float | None = None


class TrainReport(Section):
    """`reports/train.json`."""

    accuracy: Annotated[FloatAccuracy, _EMPTY_IF_NULL] = FloatAccuracy()
    best_epoch: int | None = None
    epochs: int | None = None
    parameters: int | None = None
    macs: int | None = None


class ExportReport(Section):
    """`reports/export.json`: ONNX against torch on `samples` images, in float."""

    samples: int | None = None
    max_abs_diff: float | None = None
    same_class: float | None = None


class LayerNoise(Section):
    """The logits' signal to noise if one layer alone is int8, in decibels: wholly, its weights, its output."""

    name: str
    sqnr_db: float | None = None
    weights_db: float | None = None
    activations_db: float | None = None


class Relu6Range(Section):
    """Where a ReLU6 output ends: `r` in the graph, and the median and least of its channels."""

    name: str
    r: float
    median: float
    least: float


class Equalised(Section):
    """The equalised float network against the original: largest difference of a logit, also relative to their power."""

    max_abs_diff: float
    max_diff_db: float | None = None
    bound: float


class FamilyScore(Section):
    """The int8 reference of one arithmetic family against ONNX in float."""

    accuracy: Annotated[Accuracy, _EMPTY_IF_NULL] = Accuracy()
    sqnr_db: float | None = None


class QuantizeReport(FamilyScore):
    """`reports/quantize.json`: the fixed-point family, and beside it the other."""

    float_family: Annotated[FamilyScore, _EMPTY_IF_NULL] = FamilyScore()
    layers: Annotated[tuple[LayerNoise, ...], _NO_ITEMS_IF_NULL] = ()
    relu6_ranges: Annotated[tuple[Relu6Range, ...], _NO_ITEMS_IF_NULL] = ()
    equalised: Equalised | None = None
    model: Annotated[ModelFacts, _EMPTY_IF_NULL] = ModelFacts()


class SkippedImage(Section):
    """An image that could not be read."""

    name: str
    reason: str


class Dataset(Section):
    """`data/prepared/dataset.json`."""

    source: str
    labels: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    skipped: tuple[SkippedImage, ...] = ()
    ignored: tuple[str, ...] = ()
    licence: str | None = None

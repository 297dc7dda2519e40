"""Reading what the stages wrote. Anything optional may be missing; nothing is guessed in its place."""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.paths import CONFUSION, QUANTIZE_REPORT, REPORTS, target_profile, target_report
from pipeline.predictions_record import PredictionsRecord
from pipeline.profile.results import Profile
from pipeline.targets import Target, load_target
from pipeline.validation import validate

DATASET_FILE = Path("data/prepared/dataset.json")


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


@dataclass(frozen=True)
class VerifiedTarget:
    """A target and, once it was verified and profiled, what was found."""

    target: Target
    report: TargetReport | None
    profile: Profile | None = None

    @property
    def profile_is_current(self) -> bool:
        """Whether the profile can be of the firmware that was verified: its image is one of the verified ones."""
        details = self.report.details if self.report else Details()
        least, most = details.least_instructions, details.most_instructions
        if self.profile is None or least is None or most is None:
            return False
        return least <= self.profile.instructions <= most

    @property
    def passed(self) -> bool | None:
        """Budget met and parity within its rule; None before verification."""
        return self.report.budget.passed if self.report else None


@dataclass(frozen=True)
class ReportInputs:
    """Everything that a report is made of.

    Attributes:
        training: columns of `training.csv`, one value an epoch; None where a cell is empty.
        predictions: (actual, predicted) label of each test image, in the test split's order; empty where not known.
    """

    targets: tuple[VerifiedTarget, ...]
    dataset: Dataset | None
    train: TrainReport | None
    export: ExportReport | None
    quantize: QuantizeReport | None
    training: Mapping[str, Sequence[float | None]] | None
    predictions: Sequence[tuple[str, str]]

    @property
    def confusion(self) -> Mapping[tuple[str, str], int]:
        """Number of test images by (actual, predicted) label."""
        return Counter(self.predictions)

    @property
    def labels(self) -> list[str]:
        """The classes of the confusion matrix: as the data set orders them, else sorted with numbers by value."""
        found = {label for pair in set(self.predictions) for label in pair}
        if self.dataset and found <= set(self.dataset.labels):
            return list(self.dataset.labels)
        return sorted(found, key=_natural)

    @property
    def models(self) -> list[str]:
        """Hashes of the models that were verified; more than one means that some reports are out of date."""
        hashes = [verified.report.model.sha256 for verified in self.targets if verified.report]
        return sorted({sha256 for sha256 in hashes if sha256})


Model = TypeVar("Model", bound=BaseModel)


def load_target_report(name: str, root: Path = Path()) -> TargetReport | None:
    """The report of target `name` in the repository at `root`, or None where it was not verified yet.

    Raises:
        SixfoldError: not readable, or a field has another type than it must; one line with file and field.
    """
    return _optional(TargetReport, root / target_report(name))


def load_inputs(names: Sequence[str], root: Path = Path()) -> ReportInputs:
    """Read what exists for the targets `names`, in that order, below the repository's `root`.

    Raises:
        SixfoldError: a file exists and cannot be used; one line with file and field.
    """
    reports = root / REPORTS
    return ReportInputs(
        targets=tuple(
            VerifiedTarget(
                load_target(name, root / "targets"),
                load_target_report(name, root),
                _optional(Profile, root / target_profile(name)),
            )
            for name in names
        ),
        dataset=_optional(Dataset, root / DATASET_FILE),
        train=_optional(TrainReport, reports / "train.json"),
        export=_optional(ExportReport, reports / "export.json"),
        quantize=_optional(QuantizeReport, root / QUANTIZE_REPORT),
        training=_training(reports / "training.csv"),
        predictions=_predictions(root / CONFUSION),
    )


def _optional(model: type[Model], path: Path) -> Model | None:
    return validate(model, read_json(path), str(path)) if path.is_file() else None


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream, restkey="", restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SixfoldError(f"{path}: cannot be read ({error})") from error


def _training(path: Path) -> dict[str, list[float | None]] | None:
    if not path.is_file():
        return None
    rows = _rows(path)
    columns: dict[str, list[float | None]] = {name: [] for name in (rows[0] if rows else {}) if name}
    for line, row in enumerate(rows, start=2):
        for name, column in columns.items():
            try:
                column.append(float(row[name]) if row[name] else None)
            except ValueError as error:
                raise SixfoldError(f"{path}:{line}: {name}: {row[name]!r} is not a number") from error
    return columns


def _predictions(path: Path) -> list[tuple[str, str]]:
    if not path.is_file():
        return []
    pairs = []
    for line, row in enumerate(_rows(path), start=2):
        if "actual" not in row or "predicted" not in row:
            raise SixfoldError(f"{path}:{line}: needs the columns actual and predicted")
        pairs.append((row["actual"], row["predicted"]))
    return pairs


def _natural(label: str) -> list[tuple[int, int, str]]:
    """A sort key by which 10 follows 9."""
    parts = re.split(r"([0-9]+)", label)
    return [(1, int(part), "") if index % 2 else (0, 0, part) for index, part in enumerate(parts)]

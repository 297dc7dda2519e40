"""Reading what the stages wrote. Anything optional may be missing; nothing is guessed in its place."""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from pipeline.errors import SixfoldError
from pipeline.files import read_json
from pipeline.paths import CONFUSION, QUANTIZE_REPORT, REPORTS, target_profile, target_report
from pipeline.profile.results import Profile
from pipeline.report.schema import Dataset, Details, ExportReport, QuantizeReport, TargetReport, TrainReport
from pipeline.targets import Target, load_target
from pipeline.validation import validate

DATASET_FILE = Path("data/prepared/dataset.json")


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

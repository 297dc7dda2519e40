"""`baselines/<target>.json`: what was accepted of a target, small enough to be committed.

The same facts are made of a report, so that the gate compares like with like.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from pipeline.errors import SixfoldError
from pipeline.files import read_json, sha256_file, write_json
from pipeline.gate.provenance import PipelineFiles, Provenance
from pipeline.paths import INT8_MODEL, target_baseline, target_report
from pipeline.predictions import Predictions
from pipeline.predictions_record import PredictionsRecord
from pipeline.report.inputs import load_target_report
from pipeline.report.schema import Latency, MemoryUse, Parity, TargetReport
from pipeline.targets import Target
from pipeline.validation import Checked, validate

#: Wall-clock times are kept with so many significant digits: they are only compared as ratios.
_DIGITS = 3

MemoryKind: TypeAlias = Literal["flash", "ram", "stack"]


class ParityFacts(Checked):
    """Output codes of the artefact against its reference."""

    elements: int
    mismatched: int
    max_lsb: int


class Cost(Checked):
    """What one inference costs, and by operator where that is known. `where` it was found out."""

    kind: Literal["measured", "instructions", "modelled", "estimated"]
    unit: str
    value: Annotated[float, Field(gt=0)]
    where: str
    layers: dict[str, float]


class Baseline(Checked):
    """The facts of one target.

    Attributes:
        parity: by set of kernels; the runtime's own are called by the empty string.
        memory: bytes by kind: flash, ram, stack; those that are known.
        tools: versions by name.
    """

    target: str
    model_sha256: str
    parity: dict[str, ParityFacts]
    cost: Cost | None
    memory: dict[MemoryKind, int]
    tools: dict[str, str]
    predictions: PredictionsRecord
    provenance: Provenance


def load_baseline(target: str, root: Path = Path()) -> Baseline:
    """Read a baseline.

    Raises:
        SixfoldError: missing or damaged; one line with file and field.
    """
    path = root / target_baseline(target)
    if not path.is_file():
        raise SixfoldError(
            f"{path}: not found; look at the target's report, then run `sixfold check --update {target}`"
        )
    baseline = validate(Baseline, read_json(path), str(path))
    if baseline.target != target:
        raise SixfoldError(f"{path}: target: is {baseline.target!r}, the file is called {target!r}")
    Predictions.read(baseline.predictions, f"{path}: predictions")
    return baseline


def save_baseline(baseline: Baseline, root: Path = Path()) -> None:
    """Write a baseline; the same facts are the same bytes."""
    write_json(root / target_baseline(baseline.target), baseline.model_dump(mode="json"))


def load_report(target: str, root: Path = Path()) -> TargetReport:
    """Read a target's report.

    Raises:
        SixfoldError: missing, damaged, or of another model than is here now.
    """
    path = root / target_report(target)
    report = load_target_report(target, root)
    if report is None:
        raise SixfoldError(f"{path}: not found; run `dvc repro verify@{target}` or `sixfold verify {target}`")
    for field, value in (("predictions", report.predictions), ("model.sha256", report.model.sha256)):
        if value is None:
            raise SixfoldError(f"{path}: {field}: missing; run `sixfold verify {target}` again, which writes it")
    return report


def current_facts(target: Target, report: TargetReport, files: PipelineFiles) -> Baseline:
    """The facts of a report as the baseline that it would make.

    Raises:
        SixfoldError: the report is not of the model that is here, or is out of date.
    """
    path = files.root / target_report(target.name)
    assert report.predictions is not None and report.model.sha256 is not None, "load_report sees to it"
    Predictions.read(report.predictions, f"{path}: predictions")
    provenance = files.provenance(target)
    model = files.root / INT8_MODEL
    if model.is_file() and sha256_file(model) != report.model.sha256:
        raise SixfoldError(f"{path}: model.sha256: is not that of {INT8_MODEL}; run `dvc repro verify@{target.name}`")
    return Baseline(
        target=target.name,
        model_sha256=report.model.sha256,
        parity=_parity(report),
        cost=_cost(report.latency),
        memory=_memory(report.memory),
        tools=dict(sorted(report.tools.items())),
        predictions=report.predictions,
        provenance=provenance,
    )


def _memory(use: MemoryUse) -> dict[MemoryKind, int]:
    known: dict[MemoryKind, int | None] = {"flash": use.flash_bytes, "ram": use.ram_bytes, "stack": use.stack_bytes}
    return {kind: value for kind, value in known.items() if value is not None}


def _parity(report: TargetReport) -> dict[str, ParityFacts]:
    found: list[tuple[str, Parity]] = [("", report.parity)]
    found += [(row.kernels, row) for row in report.details.other_kernels]
    return {
        kernels: ParityFacts(elements=row.elements or 0, mismatched=row.mismatched, max_lsb=row.max_lsb or 0)
        for kernels, row in found
        if row.mismatched is not None
    }


def _cost(latency: Latency) -> Cost | None:
    if latency.kind is None or latency.value is None:
        return None
    value = float(f"{latency.value:.{_DIGITS}g}") if latency.kind == "measured" else latency.value
    layers = {} if latency.kind == "measured" else {layer.name: layer.value for layer in latency.layers}
    return Cost(kind=latency.kind, unit=latency.unit or "", value=value, where=latency.where or "", layers=layers)

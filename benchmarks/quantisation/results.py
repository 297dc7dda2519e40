"""The schema of reports/quantisation.json: checked when written and when read."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from pipeline.errors import SixfoldError
from pipeline.files import read_json, write_json
from pipeline.validation import Checked, validate

RESULTS_FILE = Path("reports/quantisation.json")

Table = Literal["comparison", "ablation", "curve"]
Fraction = Annotated[float, Field(ge=-1, le=1)]


class Row(Checked):
    """One int8 network, computed by one arithmetic.

    Attributes:
        table: which table it belongs to.
        method: how it was quantised.
        computed_by: `onnxruntime` from the file, or the reference of an arithmetic family.
        calibration_images: that the method was given.
        sqnr_db: of the logits on the test images; None where they equal the float network's.
        agreement: share of test images with the same class as the float network's.
        drop: of top-1 accuracy, as a fraction, with its exact McNemar interval.
        seconds: wall-clock time of quantising.
        cpu_seconds: processor time of it, over all threads: what it takes whatever else the computer does.
    """

    table: Table
    method: str
    computed_by: Literal["onnxruntime", "fixed-point", "float"]
    calibration_images: Annotated[int, Field(ge=0)]
    sqnr_db: float | None
    agreement: Fraction
    drop: Fraction
    drop_ci95: tuple[Fraction, Fraction]
    seconds: NonNegativeFloat
    cpu_seconds: NonNegativeFloat


class MissingRow(Checked):
    """A method that could not be run here, and why."""

    table: Table
    method: str
    reason: str


class TimeRow(Checked):
    """How long our own quantisation of one network takes, on one thread."""

    network: str
    calibration_images: PositiveInt
    seconds: NonNegativeFloat
    cpu_seconds: NonNegativeFloat


class Results(Checked):
    """One run of the benchmark.

    Attributes:
        samples: number of test images.
        fp32: top-1 accuracy of the float network on them.
    """

    samples: PositiveInt
    fp32: Fraction
    rows: tuple[Row, ...]
    missing: tuple[MissingRow, ...]
    times: tuple[TimeRow, ...]
    tools: dict[str, str]


def write_results(results: Results, path: Path = RESULTS_FILE) -> None:
    """Write them; equal results give equal bytes."""
    write_json(path, results.model_dump(mode="json"))


def read_results(path: Path = RESULTS_FILE) -> Results:
    """Read what :func:`write_results` wrote.

    Raises:
        SixfoldError: missing, no JSON, or a field that is not as it should be.
    """
    if not path.is_file():
        raise SixfoldError(f"{path}: not found; run `python -m benchmarks.quantisation --data FOLDER`, which makes it")
    return validate(Results, read_json(path), str(path))

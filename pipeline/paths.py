"""Where the stages leave their results, relative to the repository's root."""

from pathlib import Path

from pipeline.errors import SixfoldError

FLOAT_MODEL = Path("models/model.onnx")
INT8_MODEL = Path("models/model.int8.onnx")
REPORTS = Path("reports")
QUANTIZE_REPORT = REPORTS / "quantize.json"
CONFUSION = REPORTS / "confusion.csv"


def artefact_folder(target: str) -> Path:
    """The compiled artefact of a target."""
    return Path("artifacts") / target


def built_artefact(target: str) -> Path:
    """Its folder.

    Raises:
        SixfoldError: it was not built.
    """
    folder = artefact_folder(target)
    if not folder.is_dir():
        raise SixfoldError(f"{folder}: not found; run `dvc repro compile@{target}` or `sixfold build {target}`")
    return folder


def quantised_model() -> Path:
    """The model that every target is built from.

    Raises:
        SixfoldError: there is none yet.
    """
    if not INT8_MODEL.is_file():
        raise SixfoldError(f"{INT8_MODEL}: not found; run `dvc repro quantize`, or `sixfold import` a network")
    return INT8_MODEL


def target_report(target: str) -> Path:
    """What verification of a target found."""
    return REPORTS / f"{target}.json"


def board_report(target: str) -> Path:
    """What verification on a board at this computer found; the pipeline neither makes nor needs it."""
    return REPORTS / "boards" / f"{target}.json"


def target_profile(target: str) -> Path:
    """Where an inference's instructions go, as `sixfold profile` counted them."""
    return REPORTS / "profiles" / f"{target}.json"


def target_baseline(target: str) -> Path:
    """What was accepted of a target: what the regression gate compares its report with."""
    return Path("baselines") / f"{target}.json"

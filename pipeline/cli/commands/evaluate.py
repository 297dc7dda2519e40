"""`sixfold evaluate`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.arguments import Json

EXAMPLES = (
    "sixfold evaluate --data photos/test",
    "sixfold evaluate --data photos/test --reference fixed-point --json",
    "sixfold evaluate --data photos/test --model theirs.int8.onnx --fp32 theirs.onnx --mean 0.5 --std 0.5",
)


class Computed(StrEnum):
    """Who computes the quantised model."""

    ONNXRUNTIME = "onnxruntime"
    FIXED_POINT = "fixed-point"
    FLOAT = "float"


def command(
    data: Annotated[
        Path,
        typer.Option(help="One sub-folder per class; sorted names are the indices, numbers are taken as such."),
    ],
    model: Annotated[Path, typer.Option(help="The quantised model, QDQ ONNX.")] = Path("models/model.int8.onnx"),
    fp32: Annotated[Path, typer.Option(help="The float model that it is compared with.")] = Path("models/model.onnx"),
    reference: Annotated[
        Computed,
        typer.Option(help="Who computes the quantised model: ONNX Runtime, or our reference of a family."),
    ] = Computed.ONNXRUNTIME,
    mean: Annotated[
        str | None, typer.Option(help="Per channel, of pixels scaled to 0..1; else the model's own.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="Likewise.")] = None,
    as_json: Json = False,
) -> None:
    """Score a float and a quantised model on a folder of images.

    Prints top-1 of both, the drop with its 95 % interval, and the SQNR of the logits.
    """
    from pipeline.cli.evaluate import evaluate_pair

    evaluate_pair(model, fp32, data, reference.value, (mean, std), as_json)

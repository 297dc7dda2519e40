"""`sixfold import`."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.arguments import Json

EXAMPLES = (
    "sixfold import person.tflite --mean 0 --std 1",
    "sixfold import theirs.int8.onnx --labels labels.txt",
    "sixfold import person.tflite && sixfold build mps2-an386 && sixfold verify mps2-an386",
)


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A full-integer .tflite or QDQ .onnx classifier.")],
    output: Annotated[Path, typer.Option(help="The model that every target is built from.")] = Path(
        "models/model.int8.onnx"
    ),
    mean: Annotated[
        str | None, typer.Option(help="Per channel or for all, of pixels scaled to 0..1; else the file's own.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="Likewise.")] = None,
    labels: Annotated[Path | None, typer.Option(help="A text file, one class a line; else the file's own.")] = None,
    as_json: Json = False,
) -> None:
    """Take in a network that others trained and quantised.

    The other commands then work on it as on our own.
    """
    from pipeline.cli.importing import import_file
    from pipeline.cli.normalization import parse_normalization

    import_file(model, output, parse_normalization(mean, std), labels, as_json)

"""`sixfold export`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.arguments import Json

EXAMPLES = ("sixfold export tflm firmware-project", "sixfold export tflm firmware-project --vectors 10")


class ExportFormat(StrEnum):
    """Kinds of project that can be written."""

    TFLM = "tflm"


def command(
    kind: Annotated[ExportFormat, typer.Argument(metavar="KIND", help="tflm: for TensorFlow Lite Micro, in C++.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    vectors: Annotated[int, typer.Option(min=1, max=100, help="Test inputs with their expected outputs.")] = 4,
    as_json: Json = False,
) -> None:
    """Write the model as a C++ project for another build system.

    The project builds with CMake, Arduino, Zephyr and ESP-IDF.
    """
    from pipeline.paths import quantised_model

    quantised_model()
    from pipeline.cli.exporting import export_tflm

    assert kind is ExportFormat.TFLM
    export_tflm(folder, vectors, as_json)

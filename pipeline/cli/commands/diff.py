"""`sixfold diff`."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.arguments import Json, TargetName

EXAMPLES = (
    "sixfold diff mps2-an386",
    "sixfold diff mps2-an386 photo.jpg --all",
    "sixfold diff host-litert --sample 17 --json",
)


def command(
    target: TargetName,
    image: Annotated[Path | None, typer.Argument(metavar="[IMAGE]", help="An image file, else test images.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=0, help="Look at this test image, else at the first whose outputs differ.")
    ] = None,
    port: Annotated[
        str | None, typer.Option(metavar="PORT", help="Run on the board behind this serial port, as for verify.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List the layers that are equal too.")] = False,
    as_json: Json = False,
) -> None:
    """Show where a target's bytes first differ from the reference.

    Compares the outputs, then layer by layer every activation that can be read: of ONNX Runtime, LiteRT and TensorFlow
    Lite Micro on this computer, and out of the memory of an emulated microcontroller. OpenVINO rounds in places of its
    own, so each of its operators is run alone on the reference's inputs. Exit code 1 if something differs.
    """
    from pipeline.cli.ready import check_ready

    check_ready(target, built=True, port=port)
    from pipeline.cli.difference import show_difference

    show_difference(target, image, sample, port, every, as_json)

"""`sixfold run`."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.arguments import Json, TargetName

EXAMPLES = (
    "sixfold run mps2-an386 photo.jpg",
    "sixfold run nucleo-f446re photo.jpg --port /dev/ttyACM0",
    "sixfold run host-onnxruntime --watch incoming",
    "sixfold run host-onnxruntime --camera",
    "sixfold run host-onnxruntime --watch incoming --json > predictions.jsonl",
)


def command(
    target: TargetName,
    images: Annotated[list[Path] | None, typer.Argument(metavar="[IMAGE]...", help="Image files.")] = None,
    watch: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Classify images as they appear or change in this folder.")
    ] = None,
    camera: Annotated[bool, typer.Option("--camera", help="Classify what a camera of this computer sees.")] = False,
    camera_number: Annotated[int, typer.Option(min=0, help="Which camera, if there are several.")] = 0,
    port: Annotated[
        str | None, typer.Option(metavar="PORT", help="Run on the board behind this serial port, as for verify.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Classes to show, the likeliest first.")] = 5,
    as_json: Json = False,
) -> None:
    """Classify images by a target's artefact; show it live.

    The artefact computes: on this computer, on an emulated board, or with --port on a real one. --watch and --camera go
    on until Ctrl-C, which ends them well; with --json, or where the output is no terminal, they print a line an image.
    """
    given = [bool(images), watch is not None, camera]
    if sum(given) != 1:
        raise typer.BadParameter("give image files, or --watch FOLDER, or --camera")
    from pipeline.cli.ready import check_ready

    check_ready(target, built=True, port=port)
    if images:
        from pipeline.cli.run import classify_files

        classify_files(target, images, top, port, as_json)
        return
    from pipeline.cli.live import run_live

    run_live(target, watch, camera_number, top, port, as_json)

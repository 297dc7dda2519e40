"""`sixfold init`."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.arguments import Json, complete_target

EXAMPLES = (
    "sixfold init photos",
    "sixfold init photos --size 128 --channels 3 --width 0.5 --target host-litert --target nucleo-h743zi2",
    "sixfold init photos --imagenet --target raspberry-pi-pico-2",
    "sixfold init photos --check --json",
)


def command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Your images: one sub-folder per class.")],
    size: Annotated[
        int | None, typer.Option(help="Side of the network's input in pixels, a multiple of 32 [default: 96].")
    ] = None,
    channels: Annotated[int | None, typer.Option(help="3 for colour, 1 for grey [default: as the images].")] = None,
    width: Annotated[float | None, typer.Option(help="The network's width [default: 0.35].")] = None,
    imagenet: Annotated[
        bool | None,
        typer.Option(
            "--imagenet/--from-scratch",
            help="What training starts from: ImageNet's weights, of width 1.0, better on few images; or random ones.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the images in training [default: 12].")] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Build for this target; may be repeated.", autocompletion=complete_target),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Look at the images and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; what is not given takes its default.")] = False,
    as_json: Json = False,
) -> None:
    """Set the project up for a folder of your own images.

    Reads every image, reports what is wrong with the folder, and writes the answers into params.yaml, whose
    comments and other values stay. On a terminal it asks for what is not given.
    """
    from pipeline.cli.init import Choices, init_project

    init_project(
        folder, Choices(size, channels, width, imagenet, epochs, tuple(target or ())), check, yes or as_json, as_json
    )

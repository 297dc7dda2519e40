"""`sixfold sweep`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.arguments import Json, complete_target

EXAMPLES = (
    "sixfold sweep --board nucleo-f446re",
    "sixfold sweep --board netduino-plus-2 --kernels cmsis-nn --kernels streaming --input frame",
    "sixfold sweep --board nucleo-f446re --train 4 --jobs 2",
    "sixfold sweep --board nucleo-f446re --train 8 --jobs 8 --cluster 10.0.0.1:6379",
    "sixfold sweep --board nrf52840-dk --board nucleo-f446re --width 0.35 --width 0.5 --side 96 --json",
)


class Library(StrEnum):
    """A kernel library."""

    PORTABLE = "portable"
    CMSIS_NN = "cmsis-nn"
    STREAMING = "streaming"


class Image(StrEnum):
    """How an image comes to a board."""

    FRAME = "frame"
    ROWS = "rows"


def command(
    board: Annotated[
        list[str],
        typer.Option(help="A target of backend cortex-m; may be repeated.", autocompletion=complete_target),
    ],
    width: Annotated[list[float] | None, typer.Option(help="Width multipliers; else those of the paper.")] = None,
    side: Annotated[list[int] | None, typer.Option(help="Sides of the square images; else 32 to 224.")] = None,
    kernels: Annotated[
        list[Library] | None, typer.Option(help="Kernel libraries to try; may be repeated; else all.")
    ] = None,
    image: Annotated[
        Image | None,
        typer.Option("--input", help="How images come: whole, or row by row with kernels streaming; else either."),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(min=2, help="Classes to tell apart; else those of the prepared images.")
    ] = None,
    most_instructions: Annotated[
        int | None, typer.Option(min=1, help="The best that fits must not take more for an inference.")
    ] = None,
    train: Annotated[
        int, typer.Option(min=0, metavar="N", help="Train up to N networks for each board, spread over the trade-off.")
    ] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="How many are trained at a time.")] = 1,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Train with Ray instead of DVC's queue: on a cluster that this computer belongs to, or `local`.",
        ),
    ] = None,
    page: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("site/sweep.html"),
    as_json: Json = False,
) -> None:
    """Find the network that suits a board: accuracy against instructions, RAM and flash.

    Goes through widths, resolutions and kernel libraries, says which fit, which are worth a look and which is the
    best, and draws it. Without --train nothing is trained: accuracy is then known only of what an earlier sweep of
    this commit trained.
    """
    from pipeline.targets import load_target

    for name in board:
        load_target(name)
    from pipeline.cli.sweep import Wanted, sweep

    sweep(
        Wanted(
            boards=tuple(board),
            widths=tuple(width or ()),
            sides=tuple(side or ()),
            classes=classes,
            most_instructions=most_instructions,
            kernels=tuple(library.value for library in kernels or ()),
            input=image and image.value,
            train=train,
            jobs=jobs,
            cluster=cluster,
        ),
        page,
        as_json,
    )

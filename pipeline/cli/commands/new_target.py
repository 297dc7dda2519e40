"""`sixfold new-target`."""

from typing import Annotated

import typer

from pipeline.cli.arguments import Json, complete_target

EXAMPLES = (
    "sixfold new-target my-board --core cortex-m4 --flash 0x08000000:1MiB --sram 0x20000000:128KiB",
    "sixfold new-target my-board --core cortex-m4 --flash 0x08000000:1MiB --sram 0x20000000:128KiB "
    "--clock-hz 168000000 --family stm32f4 --uart usart2:PA2:PA3 --programmer openocd:board/stm32f4discovery.cfg",
    'sixfold new-target my-pi --like raspberry-pi-4 --summary "The Pi in the greenhouse"',
)


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the new file in targets/, without .yaml.")],
    core: Annotated[str | None, typer.Option(help="One of firmware/cores.json, such as cortex-m4.")] = None,
    flash: Annotated[str | None, typer.Option(metavar="ORIGIN:SIZE", help="Such as 0x08000000:512KiB.")] = None,
    sram: Annotated[str | None, typer.Option(metavar="ORIGIN:SIZE", help="Such as 0x20000000:128KiB.")] = None,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="TARGET", help="Copy this one instead, for other runtimes.", autocompletion=complete_target
        ),
    ] = None,
    summary: Annotated[str | None, typer.Option(help="A line about the board.")] = None,
    clock_hz: Annotated[int | None, typer.Option(help="What the start-up sets; needed with --family.")] = None,
    kernels: Annotated[str | None, typer.Option(help="portable or cmsis-nn [default: what suits the core].")] = None,
    family: Annotated[str | None, typer.Option(help="Of the board's start-up, such as stm32f4.")] = None,
    uart: Annotated[str | None, typer.Option(metavar="PORT:TX:RX", help="Such as usart2:PA2:PA3.")] = None,
    programmer: Annotated[
        str | None, typer.Option(metavar="KIND[:VALUE]", help="openocd:CONFIG, pyocd:CHIP, uf2:FAMILY or gdb.")
    ] = None,
    drop: Annotated[float | None, typer.Option(help="Accuracy budget in points [default: 0.5].")] = None,
    as_json: Json = False,
) -> None:
    """Write a file in targets/ for a board with a known core.

    On a terminal it asks for what is not given and must be known. The file is checked as every command checks it,
    before it is written; an emulated machine of the same core stands for the board. All fields are in
    docs/add-a-target.md.
    """
    from pipeline.cli.new_target import Answers, copy_target, new_target

    if like is not None:
        if any(value is not None for value in (core, flash, sram, clock_hz, kernels, family, uart, programmer, drop)):
            raise typer.BadParameter("--like takes no option but --summary; edit the copy")
        copy_target(name, like, summary, as_json)
        return
    new_target(name, Answers(core, flash, sram, summary, clock_hz, kernels, family, uart, programmer, drop), as_json)

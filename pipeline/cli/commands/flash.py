"""`sixfold flash`."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.arguments import Json, TargetName

EXAMPLES = (
    "sixfold flash nucleo-f446re --dry-run",
    "sixfold flash nucleo-f446re --port /dev/ttyACM0",
    "sixfold flash raspberry-pi-4 --host pi@raspberrypi",
)


def command(
    target: TargetName,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the exact commands and touch nothing.")] = False,
    server: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="GDB server (programmer gdb).")] = None,
    probe: Annotated[
        str | None, typer.Option(metavar="SERIAL", help="One of several debug probes (pyocd, openocd).")
    ] = None,
    drive: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the boot loader's drive is mounted (uf2).")
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(metavar="PORT", help="Serial port on which the board must answer with this model afterwards."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="[USER@]HOST[:PORT]", help="A Linux board, over SSH (ssh, as all below).")
    ] = None,
    identity: Annotated[Path | None, typer.Option(metavar="FILE", help="Private key, else the usual ones.")] = None,
    known_hosts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Trusted host keys, else ~/.ssh/known_hosts.")
    ] = None,
    roll_back: Annotated[bool, typer.Option("--rollback", help="Return to the version before.")] = False,
    as_json: Json = False,
) -> None:
    """Write a target's artefact to its board, verify it, start it.

    How is in the target's file, field flash.
    """
    from pipeline.cli.flash import flash_target

    flash_target(target, dry_run, server, probe, drive, port, host, identity, known_hosts, roll_back, as_json)

"""`sixfold flash`: write a target's firmware to its board, verify it, start it."""

import shlex
import time
from pathlib import Path

from pipeline.cli.output import print_json
from pipeline.errors import SixfoldError
from pipeline.flash import Job, Plan, load_programmer
from pipeline.flash.image import read_image
from pipeline.paths import built_artefact
from pipeline.runners.firmware import SERIAL, FirmwareArtefact, read_artefact
from pipeline.targets import load_target

#: How long a board may take to show up on its port: USB ports behind the chip itself come back after a few seconds.
PORT_S = 20.0


def flash_target(
    name: str,
    dry_run: bool = False,
    server: str | None = None,
    probe: str | None = None,
    drive: Path | None = None,
    port: str | None = None,
    host: str | None = None,
    identity: Path | None = None,
    known_hosts: Path | None = None,
    roll_back: bool = False,
    as_json: bool = False,
) -> None:
    """Flash target `name`, or only print what would be done.

    Args:
        name: of a file in targets/.
        dry_run: print the programmer's files and commands and touch nothing.
        server: kind gdb: ``HOST:PORT``, in place of the target's own.
        probe: kinds pyocd and openocd: the serial number of one of several probes.
        drive: kind uf2: the folder of the boot loader's drive.
        port: a serial port on which the board must answer with this model afterwards.
        host: kind ssh: ``[USER@]HOST[:PORT]``.
        identity: kind ssh: a private key file.
        known_hosts: kind ssh: the file with trusted host keys.
        roll_back: kind ssh: return to the version before.
        as_json: print JSON instead of lines.

    Raises:
        SixfoldError: the target cannot be flashed, nothing is built, or the programmer failed.
    """
    target = load_target(name)
    over_ssh = target.flash is not None and target.flash.kind == "ssh"
    if not over_ssh and any((host, identity, known_hosts, roll_back)):
        raise SixfoldError(f"targets/{name}.yaml: flash: kind is not ssh; --host and its like are for that")
    if over_ssh:
        from pipeline.cli.deploy import deploy_target  # noqa: PLC0415 - an SSH library that microcontrollers need not

        deploy_target(target, host, identity, known_hosts, roll_back, dry_run, as_json)
        return
    if target.flash is None or target.memory is None:
        raise SixfoldError(f"targets/{name}.yaml: flash: missing; add how the board is flashed, see docs/flash.md")
    built = read_artefact(built_artefact(name), SERIAL)
    job = Job(target, target.flash, read_image(built.elf, target.memory), server, probe, drive)
    programmer = load_programmer(target.flash.kind)
    if dry_run:
        plan = programmer.plan(job)
        if as_json:
            print_json({"target": name, "dry_run": True, **_plan_as_json(plan)})
        else:
            print_plan(plan)
        return
    verified = programmer.write(job)
    if not as_json:
        print(f"{name}: {job.image.size} bytes written; {verified}")
    if port is not None:
        _wait_for(port, built)
        if not as_json:
            print(f"{name}: answers on {port} with model {built.sha256.hex()[:16]}, intact")
    if as_json:
        written = {"target": name, "dry_run": False, "bytes": job.image.size, "verified": verified}
        print_json({**written, "model_sha256": built.sha256.hex(), "answers_on": port})


def _plan_as_json(plan: Plan) -> dict[str, object]:
    """Commands as they are; of binary files only how long they are."""
    files = {name: content if isinstance(content, str) else len(content) for name, content in plan.files.items()}
    return {"commands": [list(command) for command in plan.commands], "files": files}


def print_plan(plan: Plan) -> None:
    """Print a plan as a shell script; of binary files only what they are."""
    for name, content in plan.files.items():
        if isinstance(content, str):
            print(f"cat > {shlex.quote(name)} <<'END'\n{content}END")
        else:
            print(f"# {name}: {len(content)} bytes, made from serial.elf")
    for command in plan.commands:
        print(shlex.join(command))


def _wait_for(port: str, built: FirmwareArtefact) -> None:
    # A serial library and NumPy, which writing to the board does without.
    from pipeline.runners.serial_link import open_link  # noqa: PLC0415
    from pipeline.runners.serial_port import check_model  # noqa: PLC0415

    deadline = time.monotonic() + PORT_S
    while True:
        try:
            with open_link(port) as link:
                check_model(link, built, port)
                return
        except SixfoldError as error:
            if time.monotonic() > deadline:
                raise SixfoldError(f"written, but {error}") from error
            time.sleep(0.5)

"""The commands of `sixfold`, their arguments and nothing else."""
# Each command imports what it needs: torch, onnx and matplotlib would make `sixfold --help` wait for seconds.
# ruff: noqa: PLC0415

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="sixfold",
    help="MobileNetV2 from PyTorch to a microcontroller: one integer graph, verified bit for bit on every target.",
    epilog="Exit codes: 0 good, 1 a gate failed (budget, parity, something needed is missing), "
    "2 wrong usage or input. Run it in the repository's root.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    # A defect of ours shows Python's own traceback, which is what a bug report needs.
    pretty_exceptions_enable=False,
)


class Computed(StrEnum):
    """Who computes the quantised model."""

    ONNXRUNTIME = "onnxruntime"
    FIXED_POINT = "fixed-point"
    FLOAT = "float"


Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
TargetName = Annotated[str, typer.Argument(metavar="TARGET", help="Name of a file in targets/, without .yaml.")]


@app.command()
def targets(
    as_json: Json = False,
    params: Annotated[
        str | None,
        typer.Option("--params", metavar="NAME", help="Print the lines that enable target NAME in params.yaml."),
    ] = None,
) -> None:
    """List every board and host in targets/, and how each did when it was last verified."""
    from pipeline.cli.targets import print_params_lines, print_targets

    if params is not None:
        print_params_lines(params)
    else:
        print_targets(as_json)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check tools, versions and this processor; exit 1 if something that an enabled target needs is missing."""
    from pipeline.cli.doctor import diagnose, print_diagnosis, raise_on_problems

    diagnosis = diagnose()
    print_diagnosis(diagnosis, as_json)
    raise_on_problems(diagnosis)


@app.command()
def build(target: TargetName) -> None:
    """Compile the integer graph for TARGET, as stage compile@TARGET does."""
    from pipeline.stages.compile import compile_target

    compile_target(target)


@app.command()
def verify(
    target: TargetName,
    port: Annotated[
        str | None,
        typer.Option(
            metavar="PORT",
            help="Verify on the board behind this serial port instead, into reports/boards/: /dev/ttyACM0, socket://H:P.",
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Images instead of the test split: one sub-folder per class, as for evaluate.")
    ] = None,
) -> None:
    """Run TARGET's artefact and check parity and budget, as stage verify@TARGET does; exit 1 if one fails."""
    from pipeline.stages.verify import verify_target

    if data is None:
        verify_target(target, port)
        return
    from pipeline.cli.own_images import read_own_images

    verify_target(target, port, read_own_images(data))


class ExportFormat(StrEnum):
    """Kinds of project that can be written."""

    TFLM = "tflm"


@app.command()
def export(
    kind: Annotated[ExportFormat, typer.Argument(metavar="KIND", help="tflm: for TensorFlow Lite Micro, in C++.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    vectors: Annotated[int, typer.Option(min=1, max=100, help="Test inputs with their expected outputs.")] = 4,
) -> None:
    """Write the current model as a project for another build system: CMake, Arduino, Zephyr, ESP-IDF.

    Example: sixfold export tflm firmware-project
    """
    from pipeline.cli.exporting import export_tflm

    assert kind is ExportFormat.TFLM
    export_tflm(folder, vectors)


@app.command("import")
def import_(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A full-integer .tflite or QDQ .onnx classifier.")],
    output: Annotated[Path, typer.Option(help="The model that every target is built from.")] = Path(
        "models/model.int8.onnx"
    ),
    mean: Annotated[
        str | None, typer.Option(help="Per channel or for all, of pixels scaled to 0..1; else the file's own.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="Likewise.")] = None,
    labels: Annotated[Path | None, typer.Option(help="A text file, one class a line; else the file's own.")] = None,
) -> None:
    """Take in a network that others trained and quantised; build and verify then work on it as on our own.

    Example: sixfold import person.tflite --mean 0 --std 1 && sixfold build mps2-an386 && sixfold verify mps2-an386
    """
    from pipeline.cli.evaluate import parse_normalization
    from pipeline.cli.importing import import_file

    import_file(model, output, parse_normalization(mean, std), labels)


@app.command()
def tune(target: TargetName) -> None:
    """Measure on this computer which tile sizes suit TARGET's kernels best (backend tvm); goes on where it stopped.

    The result, in pipeline/backends/tvm/tuned/, is an input of every later build.

    Example: sixfold tune host-tvm && sixfold build host-tvm
    """
    from pipeline.cli.tune import tune_target

    tune_target(target)


@app.command()
def flash(
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
) -> None:
    """Write TARGET's artefact to its board, verify it and start it, as the target's file says.

    Examples: sixfold flash nucleo-f446re --port /dev/ttyACM0;  sixfold flash raspberry-pi-4 --host pi@raspberrypi
    """
    from pipeline.cli.flash import flash_target

    flash_target(target, dry_run, server, probe, drive, port, host, identity, known_hosts, roll_back)


@app.command()
def evaluate(
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
    """Score a float and a quantised model on any folder of images: top-1 of both, drop with its interval, SQNR.

    Example: sixfold evaluate --data photos/test --reference fixed-point
    """
    from pipeline.cli.evaluate import evaluate_pair

    evaluate_pair(model, fp32, data, reference.value, (mean, std), as_json)


@app.command()
def report(
    every: Annotated[bool, typer.Option("--all", help="Report on every target in targets/, enabled or not.")] = False,
    update_readme: Annotated[
        bool, typer.Option("--update-readme", help="Also rewrite the table of targets in README.md.")
    ] = False,
) -> None:
    """Print what was verified and write site/index.html."""
    from pipeline.report.readme import update_readme as write_table
    from pipeline.stages.report import write_report

    inputs = write_report(every_target=every)
    if update_readme:
        write_table(Path("README.md"), inputs)

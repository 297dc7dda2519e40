"""`sixfold verify`: runs a target's artefact on images and prints the verdict."""

from pathlib import Path

from pipeline.cli.output import print_json, prose_to_stderr
from pipeline.errors import GateFailedError
from pipeline.files import read_json
from pipeline.paths import board_report, target_report
from pipeline.report.format import outcome
from pipeline.report.schema import TargetReport
from pipeline.stages import verify as stage
from pipeline.validation import validate


def verify(name: str, port: str | None = None, data: Path | None = None, as_json: bool = False) -> None:
    """Verify target `name` and print its report, as a line or whole.

    Args:
        name: of a file in targets/.
        port: a board's serial port.
        data: a folder of images, in place of the prepared test split.
        as_json: print the report that was written, a failed one too.

    Raises:
        SixfoldError: something needed is missing or damaged.
        GateFailedError: the report was written and printed, and holds a violation.
    """
    path = target_report(name) if port is None else board_report(name)
    images = None
    if data is not None:
        from pipeline.cli.own_images import read_own_images  # noqa: PLC0415 - decoders that few verifications need

        images = read_own_images(data)
    failure = None
    with prose_to_stderr(as_json):
        try:
            stage.verify_target(name, port, images)
        except GateFailedError as error:
            failure = error
    report = read_json(path)
    if as_json:
        print_json(report)
    else:
        print(f"{name}: {outcome(validate(TargetReport, report, str(path)))}")
    if failure is not None:
        raise failure

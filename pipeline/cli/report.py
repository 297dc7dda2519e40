"""`sixfold report`: the site, and what it shows of each target as a table or as JSON."""

from pathlib import Path
from typing import Any

from pipeline.cli.output import print_json
from pipeline.report.format import verdict
from pipeline.report.inputs import ReportInputs, VerifiedTarget
from pipeline.report.readme import update_readme
from pipeline.report.summary import print_summary
from pipeline.stages.report import write_report

README = Path("README.md")


def report(every: bool, readme: bool, as_json: bool) -> None:
    """Write the site and print its summary.

    Args:
        every: all files in targets/ instead of those that params.yaml enables.
        readme: also make the table of targets in README.md again.
        as_json: print JSON instead of a table.

    Raises:
        SixfoldError: a file that a stage wrote cannot be used.
    """
    inputs = write_report(every_target=every)
    if readme:
        update_readme(README, inputs)
    if as_json:
        print_json(_as_json(inputs))
    else:
        print_summary(inputs)
        from pipeline.report.site import PAGE  # noqa: PLC0415 - Matplotlib, which has drawn by now

        print(f"{PAGE}: the page")


def _as_json(inputs: ReportInputs) -> dict[str, Any]:
    from pipeline.report.site import HISTORY, PAGE  # noqa: PLC0415 - Matplotlib, which has drawn by now

    return {
        "pages": [PAGE.as_posix(), HISTORY.as_posix()],
        "models": inputs.models,
        "targets": [_target_as_json(verified) for verified in inputs.targets],
    }


def _target_as_json(verified: VerifiedTarget) -> dict[str, Any]:
    """Of the report what a table could show; all of it is in the file that verification wrote."""
    report = verified.report
    return {
        "target": verified.target.name,
        "result": verdict(verified.passed).replace(" ", "-"),
        "report": report.model_dump(mode="json", exclude={"details", "predictions"}) if report else None,
    }

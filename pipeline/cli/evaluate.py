"""`sixfold evaluate`: prints the score of a pair of models."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.cli.normalization import parse_normalization
from pipeline.cli.output import print_json
from pipeline.report.format import decibels, interval, percent, points
from pipeline.score import Reference, Score, score_pair


def evaluate_pair(
    int8: Path, fp32: Path, data: Path, reference: Reference, statistics: tuple[str | None, str | None], as_json: bool
) -> None:
    """Score and print.

    Args:
        int8: quantised model.
        fp32: float model.
        data: labelled images.
        reference: who computes the quantised model.
        statistics: mean and std as comma-separated numbers, each None to take the model's own.
        as_json: print JSON instead of a table.
    """
    score = score_pair(int8, fp32, data, reference, parse_normalization(*statistics))
    for line in score.skipped:
        print(f"skipped {line}", file=sys.stderr)
    if as_json:
        print_json(score.as_json())
    else:
        Console().print(_table(score))


def _table(score: Score) -> Table:
    accuracy = score.accuracy
    table = Table(show_header=False, box=None)
    for name, value in (
        ("images", str(accuracy.samples)),
        ("int8 computed by", score.reference),
        ("top-1, fp32", percent(accuracy.fp32)),
        ("top-1, int8", percent(accuracy.int8)),
        ("drop, points", f"{points(accuracy.drop)} (95 %: {interval(accuracy.drop_ci95)})"),
        ("same class", percent(accuracy.agreement)),
        ("logit SQNR", decibels(score.sqnr_db)),
    ):
        table.add_row(name, value)
    return table

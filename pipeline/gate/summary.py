"""The gate's outcome as Markdown: for a pull request's page, such as the file that ``$GITHUB_STEP_SUMMARY`` names."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.errors import SixfoldError
from pipeline.gate.check import Outcome
from pipeline.gate.compare import Finding
from pipeline.report.markdown import markdown_table

_MARKS = {"failed": "**failed**", "changed": "changed", "same": "as before"}


def summary(outcomes: Sequence[Outcome]) -> str:
    """A table of targets, and below it what changed of each and why."""
    rows = [(f"`{outcome.target}`", verdict(outcome), _quantities(outcome)) for outcome in outcomes]
    parts = ["## sixfold check", markdown_table(("Target", "Result", "What"), rows)]
    for outcome in outcomes:
        if outcome.error is not None or outcome.changes:
            parts.append(f"### `{outcome.target}`")
            parts.append("\n".join(_lines(outcome)))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def append_summary(outcomes: Sequence[Outcome], path: Path) -> None:
    """Append the summary to a file: other steps of a CI job write into the same one.

    Raises:
        SixfoldError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(summary(outcomes))
    except OSError as error:
        raise SixfoldError(f"{path}: cannot be written ({error.strerror})") from error


def verdict(outcome: Outcome) -> str:
    """A target's outcome in a word or two."""
    if outcome.error is not None:
        return "not checked"
    if outcome.failures:
        return "**failed**"
    return "passed, with changes" if outcome.changes else "as its baseline"


def _quantities(outcome: Outcome) -> str:
    shown = outcome.failures or outcome.changes
    return ", ".join(dict.fromkeys(finding.quantity for finding in shown))


def _lines(outcome: Outcome) -> Iterable[str]:
    if outcome.error is not None:
        yield f"- {_plain(outcome.error)}"
    for finding in outcome.changes:
        yield from _finding(finding)


def _finding(finding: Finding) -> Iterable[str]:
    yield f"- {_MARKS[finding.verdict]}, {finding.quantity}: {_plain(finding.detail)}"
    for cause in finding.causes:
        yield f"  - likely cause: {_plain(cause)}"


def _plain(text: str) -> str:
    """Text in which Markdown and HTML find nothing to act on."""
    for character in "\\`*_<>[]|":
        text = text.replace(character, f"\\{character}")
    return text

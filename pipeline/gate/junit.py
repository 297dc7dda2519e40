"""The gate's outcome as JUnit XML, which CI systems show as a list of tests."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from pipeline.files import atomic_file
from pipeline.gate.check import Outcome


def write_junit(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write one suite per target with one case per finding; what is missing or damaged is an error.

    Raises:
        SixfoldError: the file cannot be written.
    """
    suites = ET.Element("testsuites", name="sixfold check")
    for outcome in outcomes:
        suites.append(_suite(outcome))
    ET.indent(suites)
    with atomic_file(path) as temporary:
        ET.ElementTree(suites).write(temporary, encoding="utf-8", xml_declaration=True)


def _suite(outcome: Outcome) -> ET.Element:
    cases = [_case(outcome.target, finding.quantity) for finding in outcome.findings]
    for case, finding in zip(cases, outcome.findings, strict=True):
        lines = [finding.detail, *(f"likely cause: {cause}" for cause in finding.causes)]
        if finding.verdict == "failed":
            ET.SubElement(case, "failure", message=finding.detail).text = "\n".join(lines)
        else:
            ET.SubElement(case, "system-out").text = "\n".join(lines)
    if outcome.error is not None:
        cases.append(_case(outcome.target, "files"))
        ET.SubElement(cases[-1], "error", message=outcome.error)
    counts = {"tests": len(cases), "failures": len(outcome.failures), "errors": int(outcome.error is not None)}
    suite = ET.Element("testsuite", {"name": outcome.target, **{key: str(count) for key, count in counts.items()}})
    suite.extend(cases)
    return suite


def _case(target: str, quantity: str) -> ET.Element:
    return ET.Element("testcase", classname=f"sixfold.{target}", name=quantity)

"""The accuracy chain: from the trained network to what each target computes, link by link."""

from dataclasses import dataclass

from pipeline.report.format import decibels, family, grouped, interval, percent, points
from pipeline.report.inputs import ReportInputs, VerifiedTarget
from pipeline.report.schema import Accuracy, FamilyScore, Parity, TargetReport


@dataclass(frozen=True)
class Link:
    """One form of the network.

    Attributes:
        accuracy: fraction of test images, None where not known.
        facts: what ties it to the link before it, one short sentence each.
    """

    title: str
    accuracy: float | None
    samples: int | None
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Branch:
    """One arithmetic family: its int8 reference and the targets that must equal it."""

    reference: Link
    targets: tuple[Link, ...]


def float_links(inputs: ReportInputs) -> list[Link]:
    """PyTorch, then ONNX, both in float32."""
    train, export, quantize = inputs.train, inputs.export, inputs.quantize
    torch_facts, onnx_facts = [], []
    if train and train.accuracy.validation is not None:
        torch_facts.append(f"{percent(train.accuracy.validation)} on the validation images")
    if export and export.max_abs_diff is not None:
        onnx_facts.append(f"logits within {export.max_abs_diff:.2g} of PyTorch on {grouped(export.samples)} images")
    if export and export.same_class is not None:
        onnx_facts.append(f"same class on {percent(export.same_class)} of them")
    accuracy = quantize.accuracy if quantize else Accuracy()
    return [
        Link("PyTorch, float32", train.accuracy.test if train else None, None, tuple(torch_facts)),
        Link("ONNX, float32", accuracy.fp32, accuracy.samples, tuple(onnx_facts)),
    ]


def branches(inputs: ReportInputs) -> list[Branch]:
    """The two arithmetic families, each with its targets."""
    quantize = inputs.quantize
    references = {"fixed-point": quantize, "float": quantize.float_family if quantize else None}
    return [
        Branch(
            _reference_link(name, score),
            tuple(_target_link(verified) for verified in inputs.targets if verified.target.family == name),
        )
        for name, score in references.items()
    ]


def _reference_link(name: str, score: FamilyScore | None) -> Link:
    accuracy = score.accuracy if score else Accuracy()
    facts = _drop_facts(accuracy)
    if score and score.sqnr_db is not None:
        facts.append(f"logit signal to noise {decibels(score.sqnr_db)}")
    return Link(f"int8 reference, {family(name)}", accuracy.int8, accuracy.samples, tuple(facts))


def _target_link(verified: VerifiedTarget) -> Link:
    report = verified.report
    if report is None:
        return Link(verified.target.name, None, None, ("not verified yet",))
    facts = [parity_sentence(report)]
    if report.details.not_run:
        facts.append("the accuracy is the reference's")
    elif (report.parity.samples or 0) < (report.accuracy.samples or 0):
        facts.append("accuracy on the other images is that of the reference, which it equals")
    facts += _drop_facts(report.accuracy)
    return Link(verified.target.name, report.accuracy.int8, report.accuracy.samples, tuple(facts))


def _drop_facts(accuracy: Accuracy) -> list[str]:
    facts = []
    if accuracy.drop is not None:
        facts.append(f"drop {points(accuracy.drop)} points (95 %: {interval(accuracy.drop_ci95)})")
    if accuracy.agreement is not None:
        facts.append(f"same class as float on {percent(accuracy.agreement)}")
    return facts


def parity_sentence(report: TargetReport) -> str:
    """How the artefact compares with its reference, and on how many images that was seen."""
    if report.details.not_run:
        return f"not run: {report.details.not_run}"
    sentence = parity_of(report.parity)
    if report.details.executed_by:
        sentence += f"; executed by a {report.details.executed_by}"
    if report.parity.mismatched and (operators := report.details.operators):
        most = max(operator.max_lsb for operator in operators)
        sentence += f"; each of its {len(operators)} operators alone: at most {most} LSB"
    return sentence


def parity_of(found: Parity) -> str:
    """How outputs compare with a reference, in words."""
    if found.mismatched is None:
        return "parity not known"
    where = f"the {family(found.reference)} reference on {grouped(found.samples)} images"
    if found.mismatched == 0:
        return f"equal, bit for bit, to {where}: {grouped(found.elements)} codes compared"
    sentence = f"{grouped(found.mismatched)} of {grouped(found.elements)} codes differ from {where}"
    if found.max_lsb is not None:
        sentence += f", by at most {found.max_lsb} LSB"
    return sentence

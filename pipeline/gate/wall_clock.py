"""Wall-clock times, compared between targets of one run: a busy or another computer slows all of them alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.gate.baseline import Cost
from pipeline.gate.compare import Finding
from pipeline.targets import Target

#: A smaller change of a ratio is not worth a line.
_NOISE_PERCENT = 10


@dataclass(frozen=True)
class Timed:
    """A target's cost in its baseline, and now."""

    target: Target
    before: Cost | None
    after: Cost | None


def wall_clock_findings(targets: Sequence[Timed]) -> dict[str, list[Finding]]:
    """The time of each measured target as a multiple of the first one's, then and now.

    Only targets that were measured on one machine now, and on one machine then, are compared. A ratio fails only if
    its target sets a limit (`gate.time_ratio_percent`) and both machines are the same.
    """
    pairs = [
        (entry.target, entry.before, entry.after)
        for entry in targets
        if entry.before and entry.after and entry.before.kind == entry.after.kind == "measured"
    ]
    if not pairs:
        return {}
    reference, then, now = pairs[0]
    return {
        target.name: [_ratio(target, reference, (before, then), (after, now))]
        for target, before, after in pairs[1:]
        if (before.where, after.where) == (then.where, now.where)
    }


def _ratio(target: Target, reference: Target, then: tuple[Cost, Cost], now: tuple[Cost, Cost]) -> Finding:
    before, after = (own.value / other.value for own, other in (then, now))
    growth = 100 * (after / before - 1)
    limit = target.gate.time_ratio_percent
    same_machine = then[0].where == now[0].where
    rule = f"{limit:g} % is allowed" if limit is not None else "shown only"
    if limit is not None and not same_machine:
        rule = f"another machine than the baseline's ({then[0].where}): shown only"
    detail = f"{after:.2f} times that of {reference.name}, was {before:.2f} times: {growth:+.0f} %; {rule}"
    if limit is not None and same_machine and growth > limit:
        return Finding("time ratio", "failed", detail)
    return Finding("time ratio", "changed" if abs(growth) > _NOISE_PERCENT else "same", detail)

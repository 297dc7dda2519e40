"""Numbers as people read them. What is not known is a dash, never a zero."""

from pipeline.report.schema import Latency, Parity, TargetReport
from pipeline.targets import Target

UNKNOWN = "\u2014"
_NARROW_SPACE = "\u202f"
NO_BREAK_SPACE = "\u00a0"
_MINUS = "\u2212"

_FAMILIES = {
    "fixed-point": "fixed point",
    "float": "float requantisation",
    "xnnpack": "XNNPACK",
    "mlas-neon": "MLAS on Arm",
}


def percent(fraction: float | None) -> str:
    """A fraction as per cent with two decimals."""
    return UNKNOWN if fraction is None else f"{fraction * 100:.2f}{NO_BREAK_SPACE}%"


def points(fraction: float | None) -> str:
    """A difference of two fractions in percentage points, with its sign."""
    return UNKNOWN if fraction is None else _signed(fraction)


def interval(bounds: tuple[float, float] | None) -> str:
    """A confidence interval in percentage points."""
    return UNKNOWN if bounds is None else f"{_signed(bounds[0])} to {_signed(bounds[1])}"


def _signed(fraction: float) -> str:
    text = f"{fraction * 100:+.2f}"
    # Rounding may leave a sign on nothing.
    return "0.00" if text in ("+0.00", "-0.00") else text.replace("-", _MINUS)


def grouped(number: float | None) -> str:
    """A count with its thousands apart."""
    return UNKNOWN if number is None else f"{number:,.0f}".replace(",", _NARROW_SPACE)


def size(count: int | None) -> str:
    """A number of bytes in B, KiB or MiB."""
    if count is None:
        return UNKNOWN
    for unit, factor, decimals in (("MiB", 1024**2, 2), ("KiB", 1024, 1)):
        if count >= factor:
            number = f"{count / factor:.{decimals}f}" if count % factor else str(count // factor)
            return f"{number}{NO_BREAK_SPACE}{unit}"
    return f"{count}{NO_BREAK_SPACE}B"


def decibels(value: float | None) -> str:
    """A ratio that is given in decibels."""
    return UNKNOWN if value is None else f"{value:.1f}{NO_BREAK_SPACE}dB"


def latency(cost: Latency) -> str:
    """Value and unit of a latency."""
    if cost.value is None:
        return UNKNOWN
    if cost.unit == "ms":
        return f"{cost.value:.3g}{NO_BREAK_SPACE}ms"
    return f"{grouped(cost.value)}{NO_BREAK_SPACE}{cost.unit or ''}".rstrip()


def qualified_latency(cost: Latency) -> str:
    """A latency with how it is known; an instruction count says so by its unit."""
    return latency(cost) if cost.kind in (None, cost.unit) else f"{latency(cost)}, {cost.kind}"


def family(name: str | None) -> str:
    """An arithmetic family by its full name."""
    return UNKNOWN if name is None else _FAMILIES.get(name, name)


def parity(result: Parity) -> str:
    """How many of the compared output codes differ from the reference, and by how much at most."""
    if result.mismatched is None:
        return UNKNOWN
    of = f" of {grouped(result.elements)}" if result.elements is not None else ""
    if result.mismatched == 0:
        return f"exact (0{of})"
    most = f", at most {result.max_lsb} LSB" if result.max_lsb is not None else ""
    return f"{grouped(result.mismatched)}{of} differ{most}"


def reported_parity(report: TargetReport) -> str:
    """A target's parity; where nothing executed its artefact, that."""
    return "not run" if report.details.not_run else parity(report.parity)


def outcome(report: TargetReport) -> str:
    """A verified target in a line: verdict, accuracy, parity, latency."""
    parts = [verdict(report.budget.passed), percent(report.accuracy.int8), reported_parity(report)]
    return ", ".join([*parts, latency(report.latency)])


def budget(target: Target) -> str:
    """A target's limits in a few words."""
    limits = target.budget
    parts = [f"drop at most {limits.accuracy_drop_points:g}"]
    parts += [f"{name} {size(limit)}" for name, limit in (("RAM", limits.sram), ("flash", limits.flash)) if limit]
    return ", ".join(parts)


def verdict(passed: bool | None) -> str:
    """A target's result in a word."""
    return {True: "passed", False: "failed", None: "not verified"}[passed]

"""How accuracy, latency and memory of each target went from commit to commit, ready to lay out."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.report import format as formats
from pipeline.report.history import Commit, Recorded

# The drawing's own units; the page scales it.
WIDTH, HEIGHT, MARGIN = 240.0, 64.0, 6.0


@dataclass(frozen=True)
class Step:
    """One commit's value of a metric; `x` and `y` lie in the drawing."""

    commit: Commit
    value: str
    x: float
    y: float


@dataclass(frozen=True)
class Chart:
    """One metric of one target.

    Attributes:
        steps: those commits that know it, oldest first.
        words: the first and the last value, or that nothing changed.
        lines: points of the polylines, one for each stretch in which the values may be compared.
    """

    metric: str
    steps: tuple[Step, ...]
    words: str
    lines: tuple[str, ...]


def charts(commits: Sequence[Commit], target: str) -> list[Chart]:
    """The metrics of `target` of which at least one commit knows the value."""
    recorded = [(commit, commit.targets[target]) for commit in commits if target in commit.targets]
    found = [
        _chart("int8 accuracy", recorded, lambda known: known.accuracy.int8, lambda known: "", _percent),
        _chart(
            "Latency",
            recorded,
            lambda known: known.latency.value,
            lambda known: f"{known.latency.kind} {known.latency.unit}",
            lambda known: formats.qualified_latency(known.latency),
        ),
        _chart("RAM", recorded, lambda known: known.memory.ram_bytes, lambda known: "", _ram),
        _chart("Flash", recorded, lambda known: known.memory.flash_bytes, lambda known: "", _flash),
    ]
    return [chart for chart in found if chart]


def _percent(known: Recorded) -> str:
    return formats.percent(known.accuracy.int8)


def _ram(known: Recorded) -> str:
    return formats.size(known.memory.ram_bytes)


def _flash(known: Recorded) -> str:
    return formats.size(known.memory.flash_bytes)


def _chart(
    metric: str,
    recorded: Sequence[tuple[Commit, Recorded]],
    number: Callable[[Recorded], float | None],
    kind: Callable[[Recorded], str],
    text: Callable[[Recorded], str],
) -> Chart | None:
    """One metric. `kind` tells apart what must not be compared: where it changes, a line ends and another begins."""
    known = [(commit, one, value) for commit, one in recorded if (value := number(one)) is not None]
    if not known:
        return None
    stretches: list[list[tuple[int, Commit, Recorded, float]]] = []
    for index, (commit, one, value) in enumerate(known):
        if index == 0 or kind(one) != kind(known[index - 1][1]):
            stretches.append([])
        stretches[-1].append((index, commit, one, value))
    drawn = [_steps(stretch, len(known), text) for stretch in stretches]
    steps = [step for line in drawn for step in line]
    values = [value for _, _, value in known]
    first, last = steps[0].value, steps[-1].value
    changes = sum(one != other for one, other in itertools.pairwise(values))
    if changes:
        words = f"from {first} to {last}, {changes} of {len(steps) - 1} steps changed it"
    else:
        words = f"{last} in each of {len(steps)} results" if len(steps) > 1 else last
    return Chart(metric, tuple(steps), words, tuple(" ".join(f"{s.x},{s.y}" for s in line) for line in drawn))


def _steps(
    stretch: Sequence[tuple[int, Commit, Recorded, float]], results: int, text: Callable[[Recorded], str]
) -> list[Step]:
    """Where comparable values lie: as high as the drawing allows, since each chart is of one metric of one target."""
    least, most = min(step[3] for step in stretch), max(step[3] for step in stretch)
    apart = (WIDTH - 2 * MARGIN) / max(results - 1, 1)
    middle = WIDTH / 2 - MARGIN if results == 1 else 0.0
    return [
        Step(commit, text(known), round(MARGIN + middle + apart * index, 1), _height(value, least, most))
        for index, commit, known, value in stretch
    ]


def _height(value: float, least: float, most: float) -> float:
    """Upwards for more; in the middle where nothing changes."""
    share = 0.5 if most == least else (value - least) / (most - least)
    return round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share, 1)

"""Which candidates are worth a look: those that no other beats in everything, and the best that fits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from pipeline.sweep.estimate import Candidate

Item = TypeVar("Item")

#: Accuracy by width and side, as far as those networks were trained.
Accuracies = Mapping[tuple[float, int], float]


def pareto(items: Iterable[Item], costs: Callable[[Item], Sequence[float]]) -> list[Item]:
    """The items that none equals or beats in every cost and beats in one, in their order; of equals all stay."""
    listed = [(item, tuple(costs(item))) for item in items]
    return [item for item, own in listed if not any(_beats(other, own) for _, other in listed)]


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def worth(candidate: Candidate, accuracies: Accuracies) -> tuple[float, float]:
    """What is wanted of a network: accuracy where it is known, else multiply-accumulates.

    In this family of networks accuracy grows with multiply-accumulates (paper, Figure 5); that says which of two
    untrained ones is likelier to be better, not how good it is. A trained network goes before an untrained one.
    """
    accuracy = accuracies.get((candidate.width, candidate.side))
    return (-1.0, float(candidate.macs)) if accuracy is None else (accuracy, 0.0)


def frontier(candidates: Iterable[Candidate], accuracies: Accuracies) -> list[Candidate]:
    """Those of one board that fit and that no other beats in worth, instructions, RAM and flash together."""
    return pareto(
        (candidate for candidate in candidates if candidate.fits),
        lambda candidate: (
            *(-part for part in worth(candidate, accuracies)),
            candidate.instructions,
            candidate.ram_bytes,
            candidate.flash_bytes,
        ),
    )


def to_train(frontiers: Iterable[Sequence[Candidate]], count: int) -> list[tuple[float, int]]:
    """Widths and sides of up to `count` networks for each board: the largest worth a look, and others down from it.

    Args:
        frontiers: for each board, see :func:`frontier`.
        count: for each board.
    """
    chosen: set[tuple[float, int]] = set()
    for candidates in frontiers:
        networks = {(one.width, one.side): one.macs for one in candidates}
        ordered = sorted(networks, key=lambda network: (-networks[network], network))
        step = max(1.0, (len(ordered) - 1) / max(count - 1, 1))
        chosen |= {ordered[round(index * step)] for index in range(min(count, len(ordered)))}
    return sorted(chosen)


def best(
    candidates: Iterable[Candidate], accuracies: Accuracies, most_instructions: int | None = None
) -> Candidate | None:
    """The candidate of most worth that fits; None if none fits.

    Of equals that with the fewest instructions, of these one that takes whole images, which any camera delivers.

    Args:
        candidates: of one board.
        accuracies: of those that were trained.
        most_instructions: limit of one inference.
    """
    possible = [
        candidate
        for candidate in candidates
        if candidate.fits and (most_instructions is None or candidate.instructions <= most_instructions)
    ]
    return max(
        possible,
        key=lambda candidate: (
            *worth(candidate, accuracies),
            -candidate.instructions,
            candidate.input == "frame",
            -candidate.ram_bytes,
        ),
        default=None,
    )

"""The confusion matrix, ready to lay out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# A wider matrix is unreadable on paper and on a phone; the pairs below tell what it would show.
LARGEST_MATRIX = 20
LISTED_PAIRS = 10


@dataclass(frozen=True)
class Cell:
    """How many images of a row's class were taken for a column's; `share` is of the row, 0..1."""

    predicted: str
    count: int
    share: float
    right: bool


@dataclass(frozen=True)
class Row:
    """One actual class. `recall` is None where no test image has it."""

    actual: str
    cells: tuple[Cell, ...]
    recall: float | None


@dataclass(frozen=True)
class Confusion:
    """Rows are actual classes in `labels` order.

    Attributes:
        rows: empty where there are more than LARGEST_MATRIX classes.
        pairs: the most frequent mistakes as (actual, predicted, images), most frequent first.
    """

    labels: tuple[str, ...]
    rows: tuple[Row, ...]
    pairs: tuple[tuple[str, str, int], ...]
    images: int


def confusion(counts: Mapping[tuple[str, str], int], labels: Sequence[str]) -> Confusion:
    """Lay out `counts`, the number of images by (actual, predicted)."""
    mistakes = [(actual, predicted, count) for (actual, predicted), count in counts.items() if actual != predicted]
    mistakes.sort(key=lambda mistake: (-mistake[2], mistake[0], mistake[1]))
    rows = tuple(_row(counts, actual, labels) for actual in labels) if len(labels) <= LARGEST_MATRIX else ()
    return Confusion(tuple(labels), rows, tuple(mistakes[:LISTED_PAIRS]), sum(counts.values()))


def _row(counts: Mapping[tuple[str, str], int], actual: str, labels: Sequence[str]) -> Row:
    found = [counts.get((actual, predicted), 0) for predicted in labels]
    total = sum(found)
    cells = tuple(
        Cell(predicted, count, count / total if total else 0.0, predicted == actual)
        for predicted, count in zip(labels, found, strict=True)
    )
    return Row(actual, cells, counts.get((actual, actual), 0) / total if total else None)

"""A profile as rows of cells, for the console, the report and the docs alike."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pipeline.profile.classes import CLASSES
from pipeline.profile.results import Profile, Work
from pipeline.report.format import UNKNOWN, grouped

_CLASSES = tuple(name for name in CLASSES if name != "other")
_Key = TypeVar("_Key", bound=str)
#: All shares are of the row's instructions.
HEAD = ("Layer", "MACs", "Instructions", "Share", "MACs each", "Of bound", *_CLASSES)


def layer_rows(profile: Profile, most: int | None = None) -> list[tuple[str, ...]]:
    """The layers that are farthest from the bound, the worst first; then what runs between them, and all together.

    Args:
        profile: of one inference.
        most: layers to show; None shows all of them, in their order.

    Returns:
        Cells below :data:`HEAD`.
    """
    layers = profile.layers if most is None else profile.worst[:most]
    rows = [(layer.name, *_cells(profile, layer, layer.macs)) for layer in layers]
    left_out = len(profile.layers) - len(layers)
    if left_out:
        rest = profile.worst[len(layers) :]
        rows.append((f"{left_out} other layers", *_cells(profile, _sum(rest), sum(layer.macs for layer in rest))))
    rows.append(("between the layers", *_cells(profile, profile.runtime, 0)))
    rows.append(("the inference", *_cells(profile, _sum([*profile.layers, profile.runtime]), profile.macs)))
    return rows


def _sum(several: Sequence[Work]) -> Work:
    return Work(
        instructions=sum(work.instructions for work in several),
        classes=_added([work.classes for work in several]),
        products=sum(work.products for work in several),
        functions=_added([work.functions for work in several]),
    )


def _added(several: Sequence[Mapping[_Key, int]]) -> dict[_Key, int]:
    total: dict[_Key, int] = {}
    for counts in several:
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    return total


def _cells(profile: Profile, work: Work, macs: int) -> tuple[str, ...]:
    each = macs / work.instructions if macs and work.instructions else None
    return (
        grouped(macs) if macs else UNKNOWN,
        grouped(work.instructions),
        _share(work.instructions, profile.instructions),
        UNKNOWN if each is None else f"{each:.2f}",
        UNKNOWN if each is None else _share(each, profile.bound),
        *(_share(work.classes.get(name, 0), work.instructions) for name in _CLASSES),
    )


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f}\u00a0%" if whole else UNKNOWN

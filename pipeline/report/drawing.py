"""Drawings as SVG that take colours and font from the page they stand in, so that they follow dark mode and print."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # who wants a drawing has much to compute first, or may be refused it
    from matplotlib.axes import Axes

# Colours that stand for the page's own (style.css.j2); no plot uses them as colours.
_PAGE_COLOURS = {
    "#010101": "var(--text)",
    "#020202": "var(--line)",
    "#030303": "var(--series-1)",
    "#040404": "var(--series-2)",
}
TEXT, LINE, *SERIES = _PAGE_COLOURS

# A user's own matplotlib settings must not show: the defaults come first.
_STYLE: list[str | dict[str, Any]] = [
    "default",
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "sixfold",
        "font.family": "sans-serif",
        "font.size": 11,
        "text.color": TEXT,
        "axes.labelcolor": TEXT,
        "axes.edgecolor": LINE,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": LINE,
        "grid.linewidth": 0.6,
        "xtick.color": TEXT,
        "ytick.color": TEXT,
        "legend.frameon": False,
    },
]
# matplotlib would write the date, its own version and its address.
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


@dataclass(frozen=True)
class Plot:
    """A drawing and what it shows in words.

    Attributes:
        svg: an `<svg>` element; its ids begin with the plot's own name.
        words: the same in a sentence, for who cannot see it.
    """

    title: str
    svg: str
    words: str


def draw(identity: str, title: str, words: str, size: tuple[float, float], fill: Callable[[Axes], None]) -> Plot:
    """One pair of axes.

    Args:
        identity: begins every id in the drawing, unique on the page.
        title: of the drawing.
        words: what it shows.
        size: width and height in inches, of which only the proportion shows.
        fill: draws.
    """
    from matplotlib import style  # noqa: PLC0415 - see above
    from matplotlib.figure import Figure  # noqa: PLC0415

    with style.context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        fill(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata=_NO_METADATA)
    return Plot(title, _inline(buffer.getvalue(), identity, words), words)


def _inline(svg: str, identity: str, words: str) -> str:
    """Make matplotlib's file an element of a page: no prologue, ids of its own, the page's colours, a name."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{identity}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\g<1>#{identity}-", svg)
    for colour, page_colour in _PAGE_COLOURS.items():
        svg = svg.replace(colour, page_colour)
    # The width is the page's to decide; viewBox keeps the proportions.
    head, body = svg.split(">", 1)
    head = re.sub(r'\s(width|height|version)="[^"]*"', "", head)
    label = words.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'{head} role="img" aria-label="{label}">{body.strip()}'

"""Curves as SVG that takes its colours and font from the page it stands in, so that it follows dark mode and print."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Colours that stand for the page's own (style.css.j2); no plot uses them as colours.
_PAGE_COLOURS = {
    "#010101": "var(--text)",
    "#020202": "var(--line)",
    "#030303": "var(--series-1)",
    "#040404": "var(--series-2)",
}
_TEXT, _LINE, *_SERIES = _PAGE_COLOURS
_DASHES = ("-", "--")

# A user's own matplotlib settings must not show: the defaults come first.
_STYLE: list[str | dict[str, Any]] = [
    "default",
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "sixfold",
        "font.family": "sans-serif",
        "font.size": 11,
        "text.color": _TEXT,
        "axes.labelcolor": _TEXT,
        "axes.edgecolor": _LINE,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": _LINE,
        "grid.linewidth": 0.6,
        "xtick.color": _TEXT,
        "ytick.color": _TEXT,
        "legend.frameon": False,
    },
]
# matplotlib would write the date, its own version and its address.
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}

# Which columns of training.csv share a plot, by a word in their name.
_PLOTS = (("loss", "Loss"), ("accuracy", "Accuracy"), ("lr", "Learning rate"))


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


def training_plots(columns: Mapping[str, Sequence[float | None]]) -> list[Plot]:
    """Loss, accuracy and learning rate over the epochs, as far as there are columns of that name."""
    epochs = columns.get("epoch", ())
    plots = []
    for word, title in _PLOTS:
        chosen = {name: values for name, values in columns.items() if word in name.split("_") and name != "epoch"}
        chosen = {name: values for name, values in chosen.items() if any(value is not None for value in values)}
        if chosen:
            plots.append(_curves(f"training-{word}", title, epochs, chosen))
    return plots


def _curves(
    identity: str, title: str, epochs: Sequence[float | None], series: Mapping[str, Sequence[float | None]]
) -> Plot:
    words = []
    with style.context(_STYLE):
        figure = Figure(figsize=(5.2, 3.0), layout="constrained")
        axes = figure.add_subplot()
        for index, (name, values) in enumerate(series.items()):
            steps = epochs or range(1, len(values) + 1)
            known = [(x, y) for x, y in zip(steps, values, strict=True) if x is not None and y is not None]
            x, y = [point[0] for point in known], [point[1] for point in known]
            label = name.replace("_", " ")
            # A second kind of line, so that nothing is told by colour alone.
            axes.plot(
                x,
                y,
                _DASHES[index % 2],
                color=_SERIES[index % 2],
                label=label,
                marker="o" if len(known) < 3 else "",
                linewidth=2,
            )
            words.append(f"{label} from {y[0]:.4g} to {y[-1]:.4g}")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(series) > 1:
            axes.legend()
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata=_NO_METADATA)
    sentence = f"{title} over the epochs: {'; '.join(words)}"
    return Plot(title, _inline(buffer.getvalue(), identity, sentence), sentence)


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

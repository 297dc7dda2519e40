"""The curve over the number of calibration images, as an SVG file that a Markdown page can show."""

import io
from collections.abc import Sequence

from matplotlib import style
from matplotlib.figure import Figure

from benchmarks.quantisation.results import Row

#: Readable on a light and on a dark page, which an image in Markdown cannot know.
_INK, _LINE = "#6e7781", "#0b8f8a"
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sixfold",
    "font.family": "sans-serif",
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def curve_picture(rows: Sequence[Row]) -> str:
    """SQNR over the number of images; equal rows give equal bytes."""
    known = [(row.calibration_images, row.sqnr_db) for row in rows if row.sqnr_db is not None]
    with style.context(["default", _STYLE]):
        figure = Figure(figsize=(6.4, 3.2), layout="constrained")
        axes = figure.add_subplot()
        axes.plot([x for x, _ in known], [y for _, y in known], "o-", color=_LINE, linewidth=2)
        for x, y in known:
            axes.annotate(f"{y:.1f}", (x, y), textcoords="offset points", xytext=(0, 7), ha="center")
        # Zero has a place on a logarithmic axis only where the axis is straight near it.
        axes.set_xscale("symlog", base=2, linthresh=1)
        axes.set_xticks([x for x, _ in known], [str(x) for x, _ in known])
        axes.minorticks_off()
        axes.margins(y=0.2)
        axes.set_xlabel("photographs to calibrate with")
        axes.set_ylabel("logit SQNR, dB")
        buffer = io.StringIO()
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    return buffer.getvalue()

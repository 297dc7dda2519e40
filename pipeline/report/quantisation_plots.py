"""Drawings of where quantisation's noise comes from, and of where the ranges of ReLU6 outputs end."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from pipeline.report.drawing import SERIES, TEXT, Plot, draw
from pipeline.report.format import decibels
from pipeline.report.schema import LayerNoise, QuantizeReport, Relu6Range

RELU6_LIMIT = 6.0
_SIZE = (5.2, 3.0)


def quantisation_plots(report: QuantizeReport | None) -> list[Plot]:
    """What there is to draw of `reports/quantize.json`."""
    if report is None:
        return []
    plots = [_noise(report.layers)] if any(layer.sqnr_db is not None for layer in report.layers) else []
    return plots + ([_ranges(report.relu6_ranges)] if report.relu6_ranges else [])


def _noise(layers: Sequence[LayerNoise]) -> Plot:
    """The logits' signal to noise by the only layer that is int8: its weights, its output, both."""
    # Shapes as well as colours tell the three apart; only one of them is joined by a line.
    kinds = (
        ("weights alone", [layer.weights_db for layer in layers], SERIES[0], "^"),
        ("output alone", [layer.activations_db for layer in layers], SERIES[1], "v"),
        ("both", [layer.sqnr_db for layer in layers], TEXT, ".-"),
    )

    def fill(axes: Axes) -> None:
        for label, values, colour, kind in kinds:
            known = [(number, value) for number, value in enumerate(values, start=1) if value is not None]
            x, y = [point[0] for point in known], [point[1] for point in known]
            axes.plot(x, y, kind, color=colour, label=label, markersize=5, linewidth=1)
        axes.set_xlabel("layer, in order of execution")
        axes.set_ylabel("logit SQNR, dB")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _legend_above(axes)

    worst_db, worst = min((layer.sqnr_db, layer.name) for layer in layers if layer.sqnr_db is not None)
    words = (
        f"Signal to noise of the logits if one layer alone is int8, for each of {len(layers)}; most noise comes from "
        f"{worst} ({decibels(worst_db)})"
    )
    return draw("noise-by-layer", "Noise by layer", words, _SIZE, fill)


def _ranges(ranges: Sequence[Relu6Range]) -> Plot:
    """Where each ReLU6 output ends, against six."""
    numbers = range(1, len(ranges) + 1)
    ends, medians = [limits.r for limits in ranges], [limits.median for limits in ranges]

    def fill(axes: Axes) -> None:
        axes.vlines(numbers, [limits.least for limits in ranges], ends, colors=SERIES[0], linewidth=2)
        axes.plot(numbers, ends, "o", color=SERIES[0], markersize=4, label="r")
        axes.plot(numbers, medians, "_", color=SERIES[1], markersize=7, label="median channel")
        axes.axhline(RELU6_LIMIT, color=TEXT, linestyle="--", linewidth=1, label="bound")
        axes.set_ylim(0, RELU6_LIMIT * 1.05)
        axes.set_xlabel("ReLU6 output, in order of execution")
        axes.set_ylabel("range ends at")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _legend_above(axes)

    at_bound = sum(end >= RELU6_LIMIT * 0.999 for end in ends)
    words = (
        f"Range r of {len(ranges)} ReLU6 outputs, from {min(ends):.2f} to {max(ends):.2f}; {at_bound} reach the bound "
        "of 6. A line spans the channels, down to the narrowest"
    )
    return draw("relu6-ranges", "Ranges of ReLU6 outputs", words, _SIZE, fill)


def _legend_above(axes: Axes) -> None:
    """Where it hides nothing, whatever the values."""
    axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))

"""Curves of training and of memory."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from pipeline.report.drawing import SERIES, Plot, draw
from pipeline.report.format import size
from pipeline.report.schema import LayerMemory

_DASHES = ("-", "--")

# Which columns of training.csv share a plot, by a word in their name.
_PLOTS = (("loss", "Loss"), ("accuracy", "Accuracy"), ("lr", "Learning rate"))

# How many of the largest operators are named in words.
_NAMED = 3


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


def memory_plot(target: str, layers: Sequence[LayerMemory]) -> Plot:
    """Live bytes over the operators, and which operators decide the peak.

    Args:
        target: name of the target.
        layers: in execution order, at least one.
    """
    largest = sorted(layers, key=lambda layer: -layer.live_bytes)[:_NAMED]
    named = ", ".join(f"{layer.name} ({size(layer.live_bytes)})" for layer in largest)
    words = f"Activations needed while each of {len(layers)} operators runs; the most: {named}"

    def fill(axes: Axes) -> None:
        positions = range(1, len(layers) + 1)
        axes.bar(positions, [layer.live_bytes / 1024 for layer in layers], color=SERIES[0], width=0.8)
        peak = layers.index(largest[0]) + 1
        axes.bar([peak], [largest[0].live_bytes / 1024], color=SERIES[1], width=0.8, hatch="//")
        axes.set_xlabel("operator")
        axes.set_ylabel("KiB")
        axes.set_xlim(0, len(layers) + 1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(visible=False, axis="x")

    return draw(f"memory-{target}", "Memory by operator", words, (7.5, 2.6), fill)


def _curves(
    identity: str, title: str, epochs: Sequence[float | None], series: Mapping[str, Sequence[float | None]]
) -> Plot:
    points = {}
    for name, values in series.items():
        steps = epochs or range(1, len(values) + 1)
        points[name] = [(x, y) for x, y in zip(steps, values, strict=True) if x is not None and y is not None]
    words = "; ".join(
        f"{name.replace('_', ' ')} from {known[0][1]:.4g} to {known[-1][1]:.4g}" for name, known in points.items()
    )

    def fill(axes: Axes) -> None:
        for index, (name, known) in enumerate(points.items()):
            # A second kind of line, so that nothing is told by colour alone.
            axes.plot(
                [point[0] for point in known],
                [point[1] for point in known],
                _DASHES[index % 2],
                color=SERIES[index % 2],
                label=name.replace("_", " "),
                marker="o" if len(known) < 3 else "",
                linewidth=2,
            )
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(series) > 1:
            axes.legend()

    return draw(identity, title, f"{title} over the epochs: {words}", (5.2, 3.0), fill)

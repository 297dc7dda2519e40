"""The report as one self-contained page: no script, no request, the same bytes from the same results."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report import format as formats
from pipeline.report.chain import branches, float_links, parity_of, parity_sentence
from pipeline.report.confusion import confusion
from pipeline.report.drawing import Plot
from pipeline.report.inputs import Layer, LayerNoise, ReportInputs
from pipeline.report.plots import memory_plot, training_plots
from pipeline.report.quantisation_plots import quantisation_plots

# A skipped image is worth naming; thousands of them are worth counting.
LISTED_FILES = 200


@dataclass(frozen=True)
class Bar:
    """A line of a bar chart: `share` of the longest bar, 0..1."""

    name: str
    share: float
    value: str
    note: str


def cost_bars(layers: Sequence[Layer], unit: str | None) -> list[Bar]:
    """Each operator's cost, and per multiply-accumulate where it has some."""
    longest = max((layer.value for layer in layers), default=0.0)
    bars = []
    for layer in layers:
        value = f"{layer.value:.3g}" if unit == "ms" else formats.grouped(layer.value)
        note = f"{layer.value / layer.macs:.2f} per MAC" if layer.macs and unit != "ms" else ""
        bars.append(Bar(layer.name, layer.value / longest if longest > 0 else 0.0, value, note))
    return bars


def noise_bars(layers: Sequence[LayerNoise]) -> list[Bar]:
    """Each tensor's signal to noise; a tensor without noise has no number and no bar."""
    longest = max((layer.sqnr_db or 0.0 for layer in layers), default=0.0)
    return [
        Bar(layer.name, max(layer.sqnr_db or 0.0, 0.0) / (longest or 1.0), formats.decibels(layer.sqnr_db), "")
        for layer in layers
    ]


def tool_table(inputs: ReportInputs) -> dict[str, dict[str, list[str]]]:
    """Targets by tool and version: one version where all agree."""
    tools: dict[str, dict[str, list[str]]] = {}
    for verified in inputs.targets:
        for name, version in (verified.report.tools if verified.report else {}).items():
            tools.setdefault(name, {}).setdefault(version, []).append(verified.target.name)
    return {name: tools[name] for name in sorted(tools, key=str.lower)}


def _drawn(plot: Plot) -> dict[str, str]:
    """A plot for the templates; matplotlib has escaped its text."""
    return {"title": plot.title, "svg": Markup(plot.svg), "words": plot.words}


def render_page(inputs: ReportInputs, experiment: str) -> str:
    """The page's HTML for `experiment`, the one that params.yaml selects."""
    environment = Environment(
        loader=PackageLoader("pipeline.report"),
        # Labels and file names are a user's: everything is escaped, whatever a template is called.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in (
        "percent",
        "points",
        "interval",
        "grouped",
        "decibels",
        "size",
        "latency",
        "qualified_latency",
        "reported_parity",
        "family",
        "verdict",
    ):
        environment.filters[name] = getattr(formats, name)
    environment.filters.update(parity_sentence=parity_sentence, parity_of=parity_of)
    return environment.get_template("page.html.j2").render(
        inputs=inputs,
        experiment=experiment,
        float_links=float_links(inputs),
        branches=branches(inputs),
        plots=[_drawn(plot) for plot in training_plots(inputs.training or {})],
        confusion=confusion(inputs.confusion, inputs.labels) if inputs.confusion else None,
        costs={
            verified.target.name: cost_bars(verified.report.latency.layers, verified.report.latency.unit)
            for verified in inputs.targets
            if verified.report and verified.report.latency.layers
        },
        memory={
            verified.target.name: _drawn(memory_plot(verified.target.name, verified.report.memory.layers))
            for verified in inputs.targets
            if verified.report and verified.report.memory.layers
        },
        quantisation_plots=[_drawn(plot) for plot in quantisation_plots(inputs.quantize)],
        noise=noise_bars(inputs.quantize.layers) if inputs.quantize else [],
        tools=tool_table(inputs),
        listed_files=LISTED_FILES,
    )

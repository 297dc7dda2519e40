"""The report's pages: no script, no request to elsewhere, the same bytes from the same results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.profile.tables import HEAD, layer_rows
from pipeline.report import format as formats
from pipeline.report.artefacts import ArtefactFile
from pipeline.report.chain import branches, float_links, parity_of, parity_sentence
from pipeline.report.confusion import confusion
from pipeline.report.drawing import Plot
from pipeline.report.history import Commit
from pipeline.report.history_charts import HEIGHT, WIDTH, charts
from pipeline.report.inputs import ReportInputs, VerifiedTarget
from pipeline.report.isa_bound import multiplier, share_of_bound
from pipeline.report.pictures import Pictures
from pipeline.report.plots import memory_plot, training_plots
from pipeline.report.quantisation_plots import quantisation_plots
from pipeline.report.schema import Layer, LayerNoise
from pipeline.report.templating import template_environment

# A skipped image is worth naming; thousands of them are worth counting.
LISTED_FILES = 200


@dataclass(frozen=True)
class Bar:
    """A line of a bar chart: `share` of the longest bar, 0..1."""

    name: str
    share: float
    value: str
    note: str


def cost_bars(layers: Sequence[Layer], unit: str | None, core: str) -> list[Bar]:
    """Each operator's cost; instructions also per multiply-accumulate and against what `core` allows at best."""
    longest = max((layer.value for layer in layers), default=0.0)
    bars = []
    for layer in layers:
        value = f"{layer.value:.3g}" if unit == "ms" else formats.grouped(layer.value)
        share = layer.value / longest if longest > 0 else 0.0
        bars.append(Bar(layer.name, share, value, _against_bound(layer.macs, layer.value, unit, core)))
    return bars


def _against_bound(macs: int | None, value: float, unit: str | None, core: str) -> str:
    if not macs or unit != "instructions":
        return ""
    note = f"{value / macs:.2f} per MAC"
    share = share_of_bound(core, macs, value)
    return note if share is None else f"{note}, {share * 100:.0f}{formats.NO_BREAK_SPACE}% of the bound"


def bound_sentence(verified: VerifiedTarget) -> str:
    """The core's bound for the multiply-accumulates of one inference, and how much of it is reached."""
    report, best = verified.report, multiplier(verified.target.core)
    if not report or best is None or report.latency.unit != "instructions":
        return ""
    macs = sum(layer.macs or 0 for layer in report.latency.layers)
    share = share_of_bound(verified.target.core, macs, report.latency.value or 0.0)
    if share is None or not macs:
        return ""
    each = "one multiply-accumulate" if best[1] == 1 else f"{best[1]} multiply-accumulates"
    return (
        f"The bound is {each} an instruction ({best[0]}) and nothing else: "
        f"{formats.grouped(macs / best[1])} instructions. One inference reaches {formats.percent(share)} of it"
    )


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


def render_history(commits: Sequence[Commit], experiment: str) -> str:
    """The HTML of the page about `commits`, oldest first."""
    names = sorted({name for commit in commits for name in commit.targets})
    return (
        template_environment()
        .get_template("history.html.j2")
        .render(
            experiment=experiment,
            commits=commits,
            charts={name: charts(commits, name) for name in names},
            width=WIDTH,
            height=HEIGHT,
        )
    )


def render_profiles(inputs: ReportInputs, experiment: str) -> str:
    """The HTML of the page about where instructions go: the targets that can be profiled, and what is known of them."""
    profiled = [verified for verified in inputs.targets if verified.target.runner.kind == "qemu-system"]
    rows = {v.target.name: layer_rows(v.profile) for v in profiled if v.profile and v.profile_is_current}
    template = template_environment().get_template("profiles.html.j2")
    return template.render(experiment=experiment, targets=profiled, head=HEAD, rows=rows)


def render_page(
    inputs: ReportInputs,
    experiment: str,
    pictures: Pictures | None = None,
    artefacts: Mapping[str, Sequence[ArtefactFile]] | None = None,
) -> str:
    """The main page's HTML.

    Args:
        inputs: what it shows.
        experiment: the one that params.yaml selects.
        pictures: those beside the page.
        artefacts: the files of each target's artefact.
    """
    environment = template_environment()
    environment.filters.update(parity_sentence=parity_sentence, parity_of=parity_of, bound_sentence=bound_sentence)
    return environment.get_template("page.html.j2").render(
        inputs=inputs,
        experiment=experiment,
        pictures=pictures or Pictures(),
        artefacts=artefacts or {},
        float_links=float_links(inputs),
        branches=branches(inputs),
        plots=[_drawn(plot) for plot in training_plots(inputs.training or {})],
        confusion=confusion(inputs.confusion, inputs.labels) if inputs.confusion else None,
        costs={
            verified.target.name: cost_bars(
                verified.report.latency.layers, verified.report.latency.unit, verified.target.core
            )
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

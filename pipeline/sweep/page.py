"""The trade-off as a page: what each network would take on each board, and which are worth a look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from pipeline.backends.cortex_m.libraries import MODES, Mode
from pipeline.report.drawing import SERIES, TEXT, Plot, draw
from pipeline.report.templating import template_environment
from pipeline.sweep.choice import Accuracies, best, frontier
from pipeline.sweep.costs import kernel_costs
from pipeline.sweep.estimate import Candidate
from pipeline.targets import Target

if TYPE_CHECKING:  # slow to import, and drawn last
    from matplotlib.axes import Axes

_SIZE = (5.2, 3.8)
#: Of the candidates that are worth a look, by what runs them.
_MARKERS = dict(zip(MODES, "sD^v", strict=True))
#: Networks that are named in a drawing.
_NAMED = 6


@dataclass(frozen=True)
class BoardChoice:
    """One board with its candidates.

    Attributes:
        frontier: those worth a look, in the order of the candidates.
        best: the answer; None if no candidate fits.
        best_with: the answer if it had to be run so, for every way that was tried.
        error: of the estimate of instructions by kernels, on a network that the fit did not see.
    """

    target: Target
    candidates: Sequence[Candidate]
    frontier: Sequence[Candidate]
    best: Candidate | None
    best_with: Mapping[Mode, Candidate | None]
    error: Mapping[str, float]


def choose(
    target: Target, candidates: Sequence[Candidate], accuracies: Accuracies, most_instructions: int | None
) -> BoardChoice:
    """What to say about the candidates of one board."""
    by_mode = {one.mode: [other for other in candidates if other.mode == one.mode] for one in candidates}
    return BoardChoice(
        target,
        candidates,
        frontier(candidates, accuracies),
        best(candidates, accuracies, most_instructions),
        {mode: best(some, accuracies, most_instructions) for mode, some in by_mode.items()},
        {name: kernel_costs(target.core, name).held_out_error for name in sorted({one.kernels for one in candidates})},
    )


def render_sweep(choices: Sequence[BoardChoice], accuracies: Accuracies, experiment: str) -> str:
    """The page's HTML."""
    return (
        template_environment()
        .get_template("sweep.html.j2")
        .render(
            choices=choices,
            accuracies=accuracies,
            experiment=experiment,
            plots={
                choice.target.name: [
                    {"title": plot.title, "svg": Markup(plot.svg), "words": plot.words}
                    for plot in trade_off_plots(choice, accuracies)
                ]
                for choice in choices
            },
        )
    )


def trade_off_plots(choice: BoardChoice, accuracies: Accuracies) -> list[Plot]:
    """What is wanted against what it costs: instructions, RAM, flash."""
    return [
        _plot(
            choice, accuracies, "instructions", "Instructions", "million instructions", lambda c: c.instructions / 1e6
        ),
        _plot(choice, accuracies, "ram", "RAM", "KiB of RAM", lambda c: c.ram_bytes / 1024),
        _plot(choice, accuracies, "flash", "Flash", "KiB of flash", lambda c: c.flash_bytes / 1024),
    ]


def _plot(
    choice: BoardChoice,
    accuracies: Accuracies,
    identity: str,
    title: str,
    axis: str,
    amount: Callable[[Candidate], float],
) -> Plot:
    trained = [one for one in choice.candidates if (one.width, one.side) in accuracies]
    shown = trained or list(choice.candidates)
    kept = sorted((one for one in choice.frontier if one in shown), key=amount)

    def height(candidate: Candidate) -> float:
        return accuracies[candidate.width, candidate.side] * 100 if trained else candidate.macs / 1e6

    def fill(axes: Axes) -> None:
        # Shapes as well as colours tell the kinds apart.
        for label, wanted, colour, marker in (
            ("does not fit", [one for one in shown if not one.fits], TEXT, "x"),
            ("fits", [one for one in shown if one.fits and one not in kept], SERIES[0], "."),
            *(
                (f"worth a look: {mode}", [one for one in kept if one.mode == mode], SERIES[1], marker)
                for mode, marker in _MARKERS.items()
            ),
        ):
            if wanted:
                x, y = [amount(one) for one in wanted], [height(one) for one in wanted]
                axes.plot(x, y, marker, color=colour, label=label, markersize=5, linestyle="none")
        axes.set_xscale("log")
        if not trained:
            axes.set_yscale("log")
        axes.set_xlabel(axis)
        axes.set_ylabel("int8 accuracy, %" if trained else "million multiply-accumulates")
        axes.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))

    largest = dict.fromkeys(f"{one.width:g} at {one.side}x{one.side} ({one.mode})" for one in reversed(kept))
    named = ", ".join(list(largest)[:_NAMED])
    words = (
        f"{title} of {len(shown)} candidates for {choice.target.name}; {sum(one.fits for one in shown)} fit. Worth "
        f"a look, the dearest first: {named or 'none'}"
    )
    return draw(f"{identity}-{choice.target.name}", title, words, _SIZE, fill)

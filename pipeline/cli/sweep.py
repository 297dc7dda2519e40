"""`sixfold sweep`: candidates, what they would take, and the answer for each board."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.text import Text

from pipeline.backends.cortex_m.libraries import MODES, Mode
from pipeline.backends.cortex_m.skeleton import WIDTHS, Variant
from pipeline.errors import GateFailedError, SixfoldError
from pipeline.files import atomic_file, read_json
from pipeline.params import Params, load_params
from pipeline.report.console import console, table
from pipeline.report.format import UNKNOWN, grouped, percent, size
from pipeline.report.inputs import DATASET_FILE
from pipeline.sweep.choice import Accuracies, frontier, to_train
from pipeline.sweep.cluster import train_on_cluster
from pipeline.sweep.estimate import Candidate, estimate
from pipeline.sweep.page import BoardChoice, choose, render_sweep
from pipeline.sweep.training import read_experiments, train
from pipeline.targets import load_target

#: Resolutions, those of the paper and smaller ones.
SIDES = (224, 192, 160, 128, 96, 64, 32)
#: What the network's strides divide a side by.
_MULTIPLE = 32
_LARGEST_SIDE = 1024


@dataclass(frozen=True)
class Wanted:
    """What a user asks for; empty or None where the default is meant.

    Attributes:
        kernels: libraries to try.
        input: how an image must come.
        train: networks to train for each board.
        jobs: how many are trained at a time.
        cluster: a Ray cluster that trains them instead of DVC's queue.
    """

    boards: tuple[str, ...]
    widths: tuple[float, ...] = ()
    sides: tuple[int, ...] = ()
    classes: int | None = None
    most_instructions: int | None = None
    kernels: tuple[str, ...] = ()
    input: str | None = None
    train: int = 0
    jobs: int = 1
    cluster: str | None = None


def sweep(wanted: Wanted, page: Path, as_json: bool) -> None:
    """Estimate every candidate, train some if that is wanted, write the page, and print the answer.

    Raises:
        SixfoldError: an option or file cannot be used.
        GateFailedError: nothing fits one of the boards.
    """
    if wanted.cluster is not None and not wanted.train:
        raise SixfoldError("--cluster: nothing is trained without --train")
    params = load_params()
    like, modes = _common(wanted, params), _modes(wanted)
    candidates = {
        name: estimate(load_target(name), like, wanted.widths or WIDTHS, wanted.sides or SIDES, modes)
        for name in wanted.boards
    }
    accuracies: Accuracies = {}
    if wanted.train:
        networks = to_train((frontier(found, {}) for found in candidates.values()), wanted.train)
        accuracies = _train(params, networks, wanted)
    else:
        accuracies = read_experiments(params).accuracies
    choices = [
        choose(load_target(name), found, accuracies, wanted.most_instructions) for name, found in candidates.items()
    ]
    with atomic_file(page) as temporary:
        temporary.write_text(render_sweep(choices, accuracies, params.experiment), encoding="utf-8")
    if as_json:
        print(json.dumps({choice.target.name: _as_json(choice, accuracies) for choice in choices}, indent=2))
    else:
        for choice in choices:
            _print(choice, accuracies)
        console().print(f"{page}: every candidate, and drawings")
    if without := [choice.target.name for choice in choices if choice.best is None]:
        raise GateFailedError(f"no candidate suits {', '.join(without)}; try smaller --width and --side")


def _train(params: Params, networks: Sequence[tuple[float, int]], wanted: Wanted) -> Accuracies:
    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    if wanted.cluster is None:
        return train(params, networks, wanted.jobs, say)
    return train_on_cluster(params, networks, wanted.jobs, wanted.cluster, say)


def _modes(wanted: Wanted) -> Sequence[Mode]:
    """Kernel libraries to try, with the ways they take an image."""
    asked = [mode for mode in MODES if not wanted.kernels or mode.kernels in wanted.kernels]
    found = [mode for mode in asked if wanted.input in (None, mode.input)]
    if missing := set(wanted.kernels) - {mode.kernels for mode in found}:
        others = ", ".join(dict.fromkeys(mode.kernels for mode in MODES if mode.input == wanted.input))
        raise SixfoldError(f"--input {wanted.input}: not with kernels {', '.join(sorted(missing))}, only with {others}")
    return found


def _common(wanted: Wanted, params: Params) -> Variant:
    """What all candidates share: channels and stem of the experiment, classes of its images."""
    experiment = params.selected
    for width in wanted.widths:
        if not 0 < width <= 4:
            raise SixfoldError(f"--width {width:g}: must be above 0 and at most 4")
    for side in wanted.sides:
        if side <= 0 or side % _MULTIPLE or side > _LARGEST_SIDE:
            raise SixfoldError(f"--side {side}: must be a multiple of {_MULTIPLE}, at most {_LARGEST_SIDE}")
    classes = wanted.classes
    if classes is None:
        if not DATASET_FILE.is_file():
            raise SixfoldError(
                f"{DATASET_FILE}: not found; give --classes, or run `dvc repro prepare`, which counts them"
            )
        classes = len(read_json(DATASET_FILE).get("labels", ()))
    stem = experiment.model.stem_stride
    return Variant(experiment.model.width, (_MULTIPLE, _MULTIPLE, experiment.data.channels), stem, classes)


_COLUMNS = ("width", "image", "kernels", "int8", "multiply-accumulates", "instructions", "RAM", "flash")


def _print(choice: BoardChoice, accuracies: Accuracies) -> None:
    output = console()
    listing = table(
        *_COLUMNS,
        title=f"{choice.target.name}: {len(choice.frontier)} of {len(choice.candidates)} candidates are worth a look",
    )
    for one in choice.frontier:
        cells = _cells(one, accuracies)
        listing.add_row(*(Text(cell, style="bold green") for cell in cells) if one is choice.best else cells)
    output.print(listing)
    if len(choice.best_with) > 1:
        by_kernels = table(*_COLUMNS, title=f"{choice.target.name}: the best that fits, by kernels")
        for mode, found in choice.best_with.items():
            cells = _cells(found, accuracies) if found else (UNKNOWN, UNKNOWN, str(mode), *[UNKNOWN] * 5)
            by_kernels.add_row(*cells)
        output.print(by_kernels)
    if choice.best is not None:
        width, image, kernels, *_ = _cells(choice.best, accuracies)
        output.print(
            Text(f"The best that fits {choice.target.name}: width {width}, images of {image}, kernels {kernels}")
        )


def _cells(one: Candidate, accuracies: Accuracies) -> Sequence[str]:
    return (
        f"{one.width:g}",
        f"{one.side}x{one.side}",
        str(one.mode),
        percent(accuracies.get((one.width, one.side))),
        grouped(one.macs),
        grouped(one.instructions),
        size(one.ram_bytes),
        size(one.flash_bytes),
    )


def _as_json(choice: BoardChoice, accuracies: Accuracies) -> dict[str, object]:
    def described(one: Candidate) -> dict[str, object]:
        facts = asdict(one)
        del facts["board"]
        return {**facts, "fits": one.fits, "accuracy": accuracies.get((one.width, one.side))}

    return {
        "best": described(choice.best) if choice.best else None,
        "best_with": [
            {**mode._asdict(), "best": described(found) if found else None} for mode, found in choice.best_with.items()
        ],
        "frontier": [described(one) for one in choice.frontier],
        "candidates": [described(one) for one in choice.candidates],
        "held_out_error": dict(choice.error),
    }

"""`sixfold init`: params.yaml for a folder of the user's own images, and a look at these images."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import yaml

from pipeline.cli.folder_check import FolderCheck, check_folder
from pipeline.cli.output import print_json
from pipeline.cli.questions import ask
from pipeline.errors import SixfoldError
from pipeline.files import atomic_file
from pipeline.params import PARAMS_FILE, DataParams, ModelParams, Params, TrainParams, load_params
from pipeline.target_paths import params_lines
from pipeline.targets import load_target
from pipeline.validation import field_checker, validate
from pipeline.yaml_edit import KeyPath, replace_block, replace_values

EXPERIMENT = "image-folder"
_EXPERIMENT = ("experiments", EXPERIMENT)
#: Where the first convolution's stride of 2 would leave too little of the picture.
SMALLEST_STRIDED = 64
#: For each flag, what makes a value of an answer, and params.yaml's own check of it.
_VALUES: dict[str, tuple[Callable[[str], Any], Callable[[Any], Any]]] = {
    "size": (int, field_checker(DataParams, "image_size")),
    "channels": (int, field_checker(DataParams, "channels")),
    "width": (float, field_checker(ModelParams, "width")),
    "epochs": (int, field_checker(TrainParams, "epochs")),
}
T = TypeVar("T")


@dataclass(frozen=True)
class Choices:
    """What the user gave.

    Attributes:
        size: this and the other numbers are asked for where they are None, or take their default.
        imagenet: start from ImageNet's weights, or from random ones; None leaves it as it is.
        targets: empty leaves those that are enabled.
    """

    size: int | None
    channels: int | None
    width: float | None
    imagenet: bool | None
    epochs: int | None
    targets: tuple[str, ...] = ()


def init_project(folder: Path, given: Choices, only_check: bool, quiet: bool, as_json: bool) -> None:
    """Check the images of `folder`, complete `given`, and write params.yaml.

    Args:
        folder: one sub-folder per class, or train/, val/ and test/ with those inside.
        given: on the command line.
        only_check: write nothing.
        quiet: ask nothing.
        as_json: print JSON instead of lines.

    Raises:
        SixfoldError: the folder cannot be trained on, or a value is out of its range; params.yaml is then unchanged.
    """
    _refuse_values(given)
    params = load_params()
    targets = [load_target(name) for name in given.targets]
    found = check_folder(folder)
    if not as_json:
        _print(found)
    default = params.experiments[EXPERIMENT]
    size = _ask("size", "side of the network's input in pixels", given.size, default.data.image_size, quiet)
    channels = _ask("channels", "channels: 3 for colour, 1 for grey", given.channels, found.channels, quiet)
    given_width = 1.0 if given.imagenet else given.width
    width = _ask("width", "width of the network: 0.35, 0.5, 0.75 or 1.0", given_width, default.model.width, quiet)
    epochs = _ask("epochs", "passes over the images in training", given.epochs, default.train.epochs, quiet)
    changes = _changes(folder, size, channels, width, epochs)
    if given.imagenet is not None:
        changes[(*_EXPERIMENT, "model", "init")] = "imagenet" if given.imagenet else "scratch"
    if given.imagenet is not None or channels != default.data.channels:
        mean, std = _statistics(bool(given.imagenet), channels)
        changes |= {(*_EXPERIMENT, "data", "mean"): mean, (*_EXPERIMENT, "data", "std"): std}
    text = replace_values(PARAMS_FILE.read_text(encoding="utf-8"), changes, str(PARAMS_FILE))
    if targets:
        text = replace_block(text, ("targets",), "".join(map(params_lines, targets)), str(PARAMS_FILE))
    chosen = _checked(text)
    counts = _splits(found, chosen)
    enabled = list(chosen.targets)
    # Imported here: it takes the compiler's modules, and what is wrong with the folder comes first.
    from pipeline.cli.forecast import forecast  # noqa: PLC0415

    warnings = forecast(chosen.selected, len(found.classes), counts["test"], map(load_target, enabled))
    if not only_check:
        with atomic_file(PARAMS_FILE) as temporary:
            temporary.write_text(text, encoding="utf-8")
    if as_json:
        values = {".".join(path): value for path, value in changes.items()}
        written = None if only_check else {"params": values, "targets": enabled}
        print_json({"folder": found.as_json(), "splits": counts, "warnings": warnings, "written": written})
        return
    print(f"splits: {_listed(counts)}")
    for warning in warnings:
        print(f"warning: {warning}")
    if only_check:
        print(f"{PARAMS_FILE} is as it was")
    else:
        print(f"{PARAMS_FILE}: experiment {EXPERIMENT}, {size}x{size}x{channels}, width {width:g}, {epochs} epochs")
        print("next: `make repro`, or `dvc repro` in the environment; then open site/index.html")


def _refuse_values(given: Choices) -> None:
    """Before an image is read: reading thousands takes minutes."""
    for flag, (_, check) in _VALUES.items():
        value = getattr(given, flag)
        try:
            if value is not None:
                check(value)
        except ValueError as error:
            raise SixfoldError(f"--{flag} {value:g}: {error}") from error
    if given.imagenet and given.width not in (None, 1.0):
        raise SixfoldError(f"--width {given.width:g}: ImageNet's weights exist for width 1.0; leave one of the two out")


def _statistics(imagenet: bool, channels: int) -> tuple[list[float], list[float]]:
    """Mean and deviation that pixels are normalised with, one of each for a channel."""
    if not imagenet:
        return [0.0] * channels, [1.0] * channels
    from pipeline.models.imagenet import MEAN, STD  # noqa: PLC0415 - it brings torch

    if channels == len(MEAN):
        return list(MEAN), list(STD)
    return [round(sum(MEAN) / len(MEAN), 3)] * channels, [round(sum(STD) / len(STD), 3)] * channels


def _ask(flag: str, question: str, given: T | None, default: T, quiet: bool) -> T:
    parse, check = _VALUES[flag]

    def convert(answer: str) -> T:
        value: T = check(parse(answer))
        return value

    return ask(question, given, default, convert, f"--{flag}", quiet)


def _changes(folder: Path, size: int, channels: int, width: float, epochs: int) -> dict[KeyPath, Any]:
    return {
        ("experiment",): EXPERIMENT,
        ("image_folder",): folder.as_posix(),
        (*_EXPERIMENT, "data", "image_size"): size,
        (*_EXPERIMENT, "data", "channels"): channels,
        (*_EXPERIMENT, "model", "width"): width,
        (*_EXPERIMENT, "model", "stem_stride"): 2 if size >= SMALLEST_STRIDED else 1,
        (*_EXPERIMENT, "train", "epochs"): epochs,
    }


def _checked(text: str) -> Params:
    """The file that is to be written, checked as every command will check it."""
    return validate(Params, yaml.safe_load(text), str(PARAMS_FILE))


def _splits(found: FolderCheck, params: Params) -> dict[str, int]:
    """Images of each split, as stage prepare will cut them."""
    from pipeline.data.split import split_items  # noqa: PLC0415 - scikit-learn takes a second, and the folder comes first

    data = params.experiments[EXPERIMENT].data
    chosen = split_items(
        np.array(found.labels, np.int64),
        found.splits,
        found.classes,
        validation=data.validation,
        test=data.test,
        calibration=data.calibration,
        seed=data.seed,
    )
    return {split: len(indices) for split, indices in chosen.items()}


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{split} {count}" for split, count in counts.items())


def _print(found: FolderCheck) -> None:
    print(f"{found.folder}: {len(found.labels)} images of {len(found.classes)} classes")
    for name, count in found.counts.items():
        print(f"  {name}: {count}")
    for warning in found.warnings:
        print(f"warning: {warning}")

"""Which image goes into which split."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from pipeline.data.source import SPLITS, Split
from pipeline.errors import SixfoldError

Indices = npt.NDArray[np.int64]


def split_items(
    labels: npt.NDArray[np.int64],
    given: Sequence[str | None],
    classes: Sequence[str],
    *,
    validation: float,
    test: float,
    calibration: int,
    seed: int,
) -> dict[Split, Indices]:
    """Assign every image to train, validation or test, keeping each class's share, and draw calibration from train.

    The result depends on the arguments alone. Splits are disjoint and ordered as the images are, but for calibration, a
    subset of train.

    Args:
        labels: class index of each image, (N,).
        given: the split that the user put each image in, or None. Where nobody put any image in validation or test, it
            is cut from the rest.
        classes: name of each class, for messages.
        validation: fraction of all images, 0..0.5.
        test: fraction of all images, 0..0.5.
        calibration: images; all of train when train has no more than that and one per class.
        seed: of the draw.

    Raises:
        SixfoldError: a class has too few images to be in train, validation and test.
    """
    everything = np.arange(len(labels), dtype=np.int64)
    placed = np.array(["" if split is None else split for split in given], dtype=object)
    result: dict[Split, Indices] = {}
    rest = everything[(placed == "") | (placed == "train")]
    fractions: tuple[tuple[Split, float], ...] = (("test", test), ("validation", validation))
    for name, fraction in fractions:
        result[name] = everything[placed == name]
        if not len(result[name]):
            wanted = max(len(classes), round(fraction * len(labels)))
            rest, result[name] = _cut(rest, labels, wanted, classes, seed)
    result["train"] = rest
    absent = {name: np.setdiff1d(np.arange(len(classes)), labels[chosen]).tolist() for name, chosen in result.items()}
    if few := sorted({index for indices in absent.values() for index in indices}):
        lacking = " or ".join(name for name in SPLITS if absent.get(name))
        raise _too_few(few, labels, classes, f"none is left for {lacking}")
    if calibration < len(classes):
        raise SixfoldError(
            f"params.yaml: data.calibration: {calibration} images cannot show {len(classes)} classes; "
            f"set it to {len(classes)} or more"
        )
    # Cutting may not leave fewer images behind than classes; then train is small enough to calibrate on whole.
    whole = calibration > len(rest) - len(classes)
    result["calibration"] = rest if whole else _cut(rest, labels, calibration, classes, seed)[1]
    return {name: result[name] for name in SPLITS}


def splits_as_given(given: Sequence[str | None]) -> dict[Split, Indices]:
    """Every image where the user put it, for a data set that is not trained on.

    Raises:
        SixfoldError: no image is left to calibrate on, or none to test.
    """
    placed = np.array(given, dtype=object)
    result: dict[Split, Indices] = {split: np.flatnonzero(placed == split).astype(np.int64) for split in SPLITS}
    for split in ("calibration", "test"):
        if not len(result[split]):
            raise SixfoldError(f"no readable image in {split}/; add some")
    return result


def _cut(
    indices: Indices, labels: npt.NDArray[np.int64], wanted: int, classes: Sequence[str], seed: int
) -> tuple[Indices, Indices]:
    """Cut `wanted` of `indices` off, stratified; both parts in order."""
    counts = np.bincount(labels[indices], minlength=len(classes))
    if few := np.flatnonzero(counts < 2).tolist():
        raise _too_few(few, labels, classes, "at least 3 are needed")
    if len(indices) - wanted < len(classes):
        raise SixfoldError(f"{len(labels)} images are too few for {len(classes)} classes; add images")
    kept, cut = train_test_split(indices, test_size=wanted, random_state=seed, stratify=labels[indices])
    return np.sort(kept), np.sort(cut)


def _too_few(few: list[int], labels: npt.NDArray[np.int64], classes: Sequence[str], why: str) -> SixfoldError:
    counts = np.bincount(labels, minlength=len(classes))
    named = ", ".join(f"{classes[index]!r} ({counts[index]} images)" for index in few)
    return SixfoldError(
        f"{'class' if len(few) == 1 else 'classes'} {named}: too few to be in train, validation and test ({why}); add "
        "images, leave these folders out, or raise data.validation and data.test in params.yaml"
    )

"""Comparing a quantised network with its float original on the same images."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PairedAccuracy:
    """Top-1 accuracy of two classifiers on the same samples. All rates are fractions in [0, 1].

    Attributes:
        drop: ``fp32 - int8``; negative where int8 is better.
        drop_ci95: interval of `drop`, see :func:`paired_accuracy`.
        agreement: share of samples on which both predict the same class, right or wrong.
    """

    samples: int
    fp32: float
    int8: float
    drop: float
    drop_ci95: tuple[float, float]
    agreement: float

    def as_json(self) -> dict[str, Any]:
        """The report's `accuracy` object."""
        return {
            "samples": self.samples,
            "fp32": self.fp32,
            "int8": self.int8,
            "drop": self.drop,
            "drop_ci95": list(self.drop_ci95),
            "agreement": self.agreement,
        }


@dataclass(frozen=True)
class LoneAccuracy:
    """Top-1 accuracy of a network that has no float original here, so that there is nothing to compare it with.

    Attributes:
        samples: labelled images; 0 where there are none.
        int8: fraction in [0, 1]; None without samples.
    """

    samples: int
    int8: float | None

    def as_json(self) -> dict[str, Any]:
        """The report's `accuracy` object: what cannot be known is null."""
        unknown = dict.fromkeys(("fp32", "drop", "drop_ci95", "agreement"))
        return {"samples": self.samples, "int8": self.int8, **unknown}


def lone_accuracy(labels: npt.NDArray[np.integer[Any]], int8: npt.NDArray[np.integer[Any]]) -> LoneAccuracy:
    """Score a classifier's predictions ``(samples,)`` of class indices alone."""
    return LoneAccuracy(len(labels), float((int8 == labels).mean()) if len(labels) else None)


def paired_accuracy(
    labels: npt.NDArray[np.integer[Any]],
    fp32: npt.NDArray[np.integer[Any]],
    int8: npt.NDArray[np.integer[Any]],
) -> PairedAccuracy:
    """Compare two classifiers' predictions, each ``(samples,)`` class indices.

    The interval is that of :func:`discordant_interval`.

    Raises:
        ValueError: no samples, or lengths differ.
    """
    samples = len(labels)
    if samples == 0 or len(fp32) != samples or len(int8) != samples:
        raise ValueError(f"{samples} labels, {len(fp32)} and {len(int8)} predictions; need the same number, not 0")
    fp32_right, int8_right = fp32 == labels, int8 == labels
    lost = int((fp32_right & ~int8_right).sum())
    gained = int((~fp32_right & int8_right).sum())
    return PairedAccuracy(
        samples=samples,
        fp32=float(fp32_right.mean()),
        int8=float(int8_right.mean()),
        drop=(lost - gained) / samples,
        drop_ci95=discordant_interval(lost, gained, samples),
        agreement=float((fp32 == int8).mean()),
    )


def discordant_interval(lost: int, gained: int, samples: int) -> tuple[float, float]:
    """95 % interval of ``(lost - gained) / samples`` for two classifiers on the same samples.

    It is McNemar's exact one: only the discordant samples, on which exactly one of the two is right, tell anything
    about the difference. Given their number, those that the first wins are binomial; the Clopper-Pearson interval of
    that share is carried over to the difference. With no discordant sample at all the interval is the exact bound on
    their rate (the "rule of three"), in both directions.

    Args:
        lost: samples that only the first classifier has right.
        gained: samples that only the second has right.
        samples: all of them.
    """
    discordant = lost + gained
    if not discordant:
        bound = float(1 - ((1 - CONFIDENCE) / 2) ** (1 / samples))
        return -bound, bound
    from scipy import stats  # noqa: PLC0415 - it takes most of a second to load

    share = stats.binomtest(lost, discordant).proportion_ci(CONFIDENCE, method="exact")
    low, high = (float(discordant * (2 * end - 1) / samples) for end in (share.low, share.high))
    return low, high


def sqnr_db(signal: npt.NDArray[np.floating[Any]], approximation: npt.NDArray[np.floating[Any]]) -> float | None:
    """Signal to quantisation noise ratio in dB: signal power over the power of the difference.

    Returns:
        None where it is not a number: no signal, or no noise at all.
    """
    power = float(np.square(signal, dtype=np.float64).sum())
    noise = float(np.square(signal.astype(np.float64) - approximation).sum())
    return 10 * float(np.log10(power / noise)) if power > 0 and noise > 0 else None

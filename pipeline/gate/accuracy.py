"""Two runs' predictions on the same images, paired."""

import math
from dataclasses import dataclass

import numpy as np

from pipeline.predictions import Predictions

#: Significant is what happens by chance less often than this.
LEVEL = 0.05


@dataclass(frozen=True)
class AccuracyChange:
    """What two runs say about the images that both have predicted.

    Attributes:
        images: how many.
        reclassified: predicted classes that differ, right or wrong.
        before: accuracy of the first run on them, a fraction; None where no labels are known.
        after: of the second.
        lost: images that only the first had right.
        gained: images that only the second has right.
    """

    images: int
    reclassified: int
    before: float | None
    after: float | None
    lost: int
    gained: int

    @property
    def drop(self) -> float:
        """``before - after``; negative where the second run is better."""
        return (self.lost - self.gained) / self.images

    @property
    def p(self) -> float:
        """McNemar's exact test: how often chance alone splits the discordant images as unevenly, two-sided."""
        discordant, larger = self.lost + self.gained, max(self.lost, self.gained)
        tail = sum(math.comb(discordant, k) for k in range(larger, discordant + 1))
        return min(1.0, float(2 * tail / 2**discordant))

    @property
    def significant(self) -> bool:
        """Whether the second run is worse by more than chance explains."""
        return self.drop > 0 and self.p < LEVEL


def paired(before: Predictions, after: Predictions) -> AccuracyChange | None:
    """Pair two runs; None where they are not of the same list of images, or have none of it in common."""
    if before.images_sha256 != after.images_sha256:
        return None
    common, first, second = np.intersect1d(before.scored, after.scored, assume_unique=True, return_indices=True)
    if not len(common):
        return None
    reclassified = int((before.classes[first] != after.classes[second]).sum())
    if before.labels is None or after.labels is None:
        return AccuracyChange(len(common), reclassified, None, None, 0, 0)
    labels = before.labels[first]
    right, still = before.classes[first] == labels, after.classes[second] == labels
    return AccuracyChange(
        images=len(common),
        reclassified=reclassified,
        before=float(right.mean()),
        after=float(still.mean()),
        lost=int((right & ~still).sum()),
        gained=int((~right & still).sum()),
    )

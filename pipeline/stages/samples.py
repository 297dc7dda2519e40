"""What verification runs an artefact on, and what its predictions are compared with.

That is the prepared test split and the float original. An imported network has neither: it runs on images that the user
names, else on random codes, and its accuracy is its own alone.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.data.prepared import PreparedDataset
from pipeline.errors import SixfoldError
from pipeline.evaluation import LoneAccuracy, PairedAccuracy, lone_accuracy, paired_accuracy
from pipeline.float_model import float_logits
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.metadata import IMPORTED, read_normalization
from pipeline.paths import FLOAT_MODEL, INT8_MODEL
from pipeline.predictions import digest
from pipeline.preprocess import Images, quantize_pixels

#: Random inputs for an imported network without images.
_RANDOM = 64


@dataclass(frozen=True)
class LabelledImages:
    """Images with their classes.

    Attributes:
        images: uint8 (N, height, width, channels).
        labels: class indices, int64 (N,).
        source: where they come from, for the report.
    """

    images: Images
    labels: npt.NDArray[np.int64]
    source: str


@dataclass(frozen=True)
class Samples:
    """Int8 inputs (N, height, width, channels), and the images that they were made of if there are any."""

    inputs: Int8Array
    labelled: LabelledImages | None

    @property
    def source(self) -> str:
        """What they are, for the report."""
        return self.labelled.source if self.labelled else f"{len(self.inputs)} random inputs"

    @property
    def sha256(self) -> str:
        """Equal for the same images with the same labels, whatever network they are prepared for."""
        return digest(self.labelled.images, self.labelled.labels) if self.labelled else digest(self.inputs)


def choose_samples(graph: IntegerGraph, own: LabelledImages | None = None) -> Samples:
    """`own` images, else the test split, else, where that split is not the network's, random codes.

    Raises:
        SixfoldError: the images have another size than the network's input, or there is no prepared data set.
    """
    source = graph.tensors[graph.input]
    if own is None and IMPORTED in graph.metadata:
        codes = np.random.default_rng(0).integers(-128, 128, (_RANDOM, *source.shape), dtype=np.int8)
        return Samples(codes, None)
    if own is None:
        data = PreparedDataset.load()
        own = LabelledImages(data.images("test"), data.labels("test"), "test split")
    if own.images.shape[1:] != source.shape:
        raise SixfoldError(f"{INT8_MODEL}: takes {source.shape}, the {own.source} has {own.images.shape[1:]}")
    normalization = read_normalization(graph.metadata, str(INT8_MODEL))
    return Samples(quantize_pixels(own.images, normalization, source.scale, source.zero_point), own)


def score_predictions(
    graph: IntegerGraph, samples: Samples, scored: npt.NDArray[np.int64], int8: npt.NDArray[np.int64]
) -> PairedAccuracy | LoneAccuracy:
    """Predicted classes `int8` of the samples of indices `scored`, beside those of the float original if there is one.

    Raises:
        SixfoldError: the float original is missing or damaged.
    """
    if samples.labelled is None:
        return LoneAccuracy(0, None)
    images, labels = samples.labelled.images[scored], samples.labelled.labels[scored]
    if IMPORTED in graph.metadata:
        return lone_accuracy(labels, int8)
    normalization = read_normalization(graph.metadata, str(INT8_MODEL))
    return paired_accuracy(labels, float_logits(FLOAT_MODEL, images, normalization).argmax(1), int8)

"""From an image to the classes that a target's artefact gives it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from pipeline.data.decode import decode, square_pixels
from pipeline.data.source import Image
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.graph.reader import read_graph
from pipeline.metadata import read_central_crop, read_labels, read_normalization
from pipeline.paths import INT8_MODEL
from pipeline.preprocess import quantize_pixels


@dataclass(frozen=True)
class Prediction:
    """One class of an image.

    Attributes:
        index: of the class.
        probability: 0..1.
        code: the artefact's own int8 output.
    """

    index: int
    label: str
    probability: float
    code: int

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"class": self.index, "label": self.label, "probability": self.probability, "code": self.code}


class ImageClasses:
    """What surrounds a network: pixels to codes before it, codes to probabilities after it.

    Attributes:
        graph: the network.
    """

    def __init__(self, graph: IntegerGraph, where: str) -> None:
        """Read from a graph's metadata, `where` being its file.

        Raises:
            SixfoldError: they are incomplete, or the network takes no square images.
        """
        self.graph = graph
        self._source, self._output = graph.tensors[graph.input], graph.tensors[graph.output]
        height, self._size, self._channels = self._source.shape
        if height != self._size:
            raise SixfoldError(f"{where}: takes {height}x{self._size} images; only square ones are cut here")
        self._normalization = read_normalization(graph.metadata, where)
        self._crop = read_central_crop(graph.metadata, where)
        classes = self._output.shape[2]
        # Networks of others may have no names for their classes.
        named = "sixfold.labels" in graph.metadata
        self._labels = read_labels(graph.metadata, where) if named else [str(index) for index in range(classes)]
        if len(self._labels) != classes:
            raise SixfoldError(f"{where}: metadata sixfold.labels: {len(self._labels)} names for {classes} classes")

    @classmethod
    def of_current_model(cls) -> "ImageClasses":
        """Of the model that targets are built from.

        Raises:
            SixfoldError: it is missing or damaged.
        """
        return cls(read_graph(INT8_MODEL), str(INT8_MODEL))

    def read(self, path: Path) -> Int8Array:
        """The network's input ``(height, width, channels)`` for an image file.

        Raises:
            UnreadableImageError: it is no image, or damaged.
        """
        return self._codes(decode(path, self._size, self._channels, self._crop))

    def cut(self, image: Pillow.Image) -> Int8Array:
        """The network's input for a picture in RGB or grey."""
        return self._codes(square_pixels(image, self._size, self._channels, self._crop))

    def _codes(self, pixels: Image) -> Int8Array:
        source = self._source
        codes = quantize_pixels(pixels[np.newaxis], self._normalization, source.scale, source.zero_point)
        return codes.reshape(source.shape)

    def best(self, codes: Int8Array, count: int) -> tuple[Prediction, ...]:
        """The likeliest classes, best first; of equal ones the first, as argmax has it.

        Args:
            codes: the artefact's int8 output ``(classes,)``.
            count: how many, at most all.
        """
        probabilities = softmax((codes.astype(np.float64) - self._output.zero_point) * self._output.scale)
        order = np.argsort(-codes.astype(np.int16), kind="stable")[:count]
        return tuple(
            Prediction(int(index), self._labels[index], float(probabilities[index]), int(codes[index]))
            for index in order
        )


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Probabilities ``(classes,)`` of logits."""
    powers = np.exp(logits - logits.max())
    result: npt.NDArray[np.float64] = powers / powers.sum()
    return result

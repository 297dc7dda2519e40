"""Scores a float and a quantised model on a folder of labelled images: `sixfold evaluate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx

from pipeline.data.class_folders import labelled_images
from pipeline.data.decode import decode
from pipeline.data.source import UnreadableImageError
from pipeline.errors import SixfoldError
from pipeline.evaluation import PairedAccuracy, paired_accuracy, sqnr_db
from pipeline.float_model import float_logits
from pipeline.graph.onnx_file import load_onnx
from pipeline.graph.reader import read_graph
from pipeline.graph.reference import Family, execute
from pipeline.metadata import read_central_crop, read_normalization
from pipeline.preprocess import Images, Normalization, quantize_pixels
from pipeline.progress import progress_bar

#: Who computes the int8 model: ONNX Runtime from the file, or the reference of an arithmetic family.
Reference: TypeAlias = Literal["onnxruntime", "fixed-point", "float"]


@dataclass(frozen=True)
class Score:
    """What `sixfold evaluate` prints.

    Attributes:
        accuracy: paired top-1.
        sqnr_db: of the logits; None where they are equal.
        reference: who computed the int8 model.
        skipped: images that could not be read, each with the reason.
    """

    accuracy: PairedAccuracy
    sqnr_db: float | None
    reference: Reference
    skipped: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "accuracy": self.accuracy.as_json(),
            "sqnr_db": self.sqnr_db,
            "reference": self.reference,
            "skipped": list(self.skipped),
        }


def score_pair(
    int8: Path, fp32: Path, data: Path, reference: Reference, normalization: Normalization | None = None
) -> Score:
    """Score both models on all readable images of `data`.

    Args:
        int8: QDQ ONNX model, ours or anyone's; the references take only what the integer graph can express.
        fp32: float ONNX model with the same input.
        data: one sub-folder per class, see :func:`pipeline.data.class_folders.labelled_images`.
        reference: who computes `int8`.
        normalization: of the images; what the models' metadata say if None.

    Raises:
        SixfoldError: a file is missing or damaged, the models do not belong together, or there are no images.
    """
    model = load_onnx(fp32)
    (channels, height, width), classes = _shape(model, fp32)
    if height != width:
        raise SixfoldError(f"{fp32}: takes {height}x{width} images; only square ones are supported")
    metadata = {p.key: p.value for p in model.metadata_props}
    if normalization is None:
        normalization = read_normalization(metadata, str(fp32))
    images, labels, skipped = read_images(data, classes, width, channels, read_central_crop(metadata, str(fp32)))
    expected = float_logits(fp32, images, normalization)
    logits = int8_logits(int8, images, normalization, reference)
    if logits.shape != expected.shape:
        raise SixfoldError(f"{int8}: has {logits.shape[1]} outputs, {fp32} has {expected.shape[1]}")
    accuracy = paired_accuracy(labels, expected.argmax(1), logits.argmax(1))
    return Score(accuracy, sqnr_db(expected, logits), reference, skipped)


def _shape(model: onnx.ModelProto, path: Path) -> tuple[tuple[int, int, int], int]:
    """``(channels, height, width)`` of the input, and the number of logits."""
    if len(model.graph.input) != 1 or len(model.graph.output) != 1:
        raise SixfoldError(f"{path}: needs one input and one output")
    source, result = (
        [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (model.graph.input[0], model.graph.output[0])
    )
    if len(source) != 4 or min(source) < 1 or len(result) != 2 or result[1] < 2:
        raise SixfoldError(
            f"{path}: takes {source} and gives {result}; [1, channels, height, width] to [1, classes] is needed"
        )
    return (source[1], source[2], source[3]), result[1]


def read_images(
    data: Path, classes: int, size: int, channels: int, central_crop: float
) -> tuple[Images, npt.NDArray[np.int64], tuple[str, ...]]:
    """All readable images of a folder, see :func:`pipeline.data.class_folders.labelled_images`.

    Returns:
        uint8 ``(N, size, size, channels)``, class indices ``(N,)`` and, for each file left out, the reason.

    Raises:
        SixfoldError: there are none.
    """
    found = labelled_images(data, classes)
    images, labels, skipped = [], [], []
    with progress_bar("reading images", len(found.paths)) as advance:
        for path, label in zip(found.paths, found.labels, strict=True):
            try:
                images.append(decode(path, size, channels, central_crop))
                labels.append(label)
            except UnreadableImageError as error:
                skipped.append(f"{path.relative_to(data).as_posix()}: {error}")
            advance(1)
    if not images:
        raise SixfoldError(f"{data}: none of {len(skipped)} images can be read; first: {skipped[0]}")
    return np.stack(images), np.array(labels, np.int64), tuple(skipped)


def int8_logits(
    path: Path, images: Images, normalization: Normalization, reference: Reference
) -> npt.NDArray[np.float32]:
    """Real logits ``(samples, classes)`` of a QDQ file, computed by `reference`; images uint8 ``(n, h, w, channels)``.

    Raises:
        SixfoldError: the file is missing or damaged, takes another shape, or holds what `reference` cannot compute.
    """
    if reference == "onnxruntime":
        import onnxruntime as ort  # noqa: PLC0415 - so that a command answers before it is loaded

        options = ort.SessionOptions()
        # Integer kernels where there are any for signed activations, instead of float arithmetic on rounded values.
        options.add_session_config_entry("session.qdqisint8allowed", "1")
        return float_logits(path, images, normalization, options)
    graph = read_graph(path)
    source, output = graph.tensors[graph.input], graph.tensors[graph.output]
    if images.shape[1:] != source.shape:
        raise SixfoldError(f"{path}: takes {source.shape}, the images are {images.shape[1:]}")
    family: Family = reference
    inputs = quantize_pixels(images, normalization, source.scale, source.zero_point)
    with progress_bar(f"int8 reference, {family}", len(inputs)) as advance:
        codes = execute(graph, inputs, family, advance)
    return (codes.astype(np.float32) - output.zero_point) * np.float32(output.scale)

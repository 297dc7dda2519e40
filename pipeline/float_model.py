"""Runs the float ONNX model: what accuracy after quantisation is compared with."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.errors import SixfoldError
from pipeline.preprocess import Normalization, normalise
from pipeline.progress import progress_bar

if TYPE_CHECKING:
    import onnxruntime as ort


def float_logits(
    path: Path,
    images: npt.NDArray[np.uint8],
    normalization: Normalization,
    options: "ort.SessionOptions | None" = None,
) -> npt.NDArray[np.float32]:
    """Logits ``(samples, classes)`` of uint8 images ``(samples, height, width, channels)``.

    Args:
        path: ONNX model with a float input and output.
        images: as above.
        normalization: what the network was trained with.
        options: of the session; ONNX Runtime's own if None.

    Raises:
        SixfoldError: the file is missing or damaged, or takes another input shape.
    """
    import onnxruntime as ort  # noqa: PLC0415 - so that a command answers before it is loaded

    options = options or ort.SessionOptions()
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions have no common base of their own
        raise SixfoldError(f"{path}: ONNX Runtime cannot load it ({str(error).splitlines()[0]})") from error
    height, width, channels = images.shape[1:]
    source = session.get_inputs()[0]
    if source.shape != [1, channels, height, width]:
        raise SixfoldError(f"{path}: takes {source.shape}, the images are {[1, channels, height, width]}")
    rows = []
    with progress_bar("float reference", len(images)) as advance:
        for image in images:
            rows.append(session.run(None, {source.name: normalise(image[np.newaxis], normalization)})[0][0])
            advance(1)
    return np.stack(rows).astype(np.float32)

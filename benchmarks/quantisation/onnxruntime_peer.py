"""The peer that is in the main environment: ONNX Runtime's static quantiser."""

import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from calibration.relu6 import RELU6_LIMIT, relu6_quantization

Quantization = tuple[np.float32, np.int8]
Ranges = Literal["MinMax", "Entropy", "Percentile"]


class _Images(CalibrationDataReader):  # type: ignore[misc]
    """Feeds one calibration image at a time."""

    def __init__(self, input_name: str, images: Iterable[npt.NDArray[np.float32]]) -> None:
        self._feeds: Iterator[dict[str, npt.NDArray[np.float32]]] = ({input_name: i[np.newaxis]} for i in images)

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        return next(self._feeds, None)


def quantize_by_onnxruntime(
    model: onnx.ModelProto,
    images: Iterable[npt.NDArray[np.float32]],
    ranges: Ranges = "MinMax",
    known: Mapping[str, Quantization] | None = None,
) -> onnx.ModelProto:
    """Quantise activations to int8 per tensor and weights to int8 per channel, rounding to nearest.

    Args:
        model: float model with one input; ReLU6 appears as ``Clip`` between 0 and 6.
        images: normalised calibration images ``(channels, height, width)``. Consumed once.
        ranges: how they are found.
        known: scale and zero point of tensors, which are then not looked for.

    Returns:
        The QDQ model, without the Clips, which saturation performs where the ranges allow it.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "model.onnx"), Path(folder, "model.int8.onnx")
        onnx.save(model, source)
        with _without_preprocessing_advice():
            quantize_static(
                source,
                result,
                _Images(model.graph.input[0].name, images),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                calibrate_method=CalibrationMethod[ranges],
                extra_options={"TensorQuantOverrides": _overrides(known or {}), "WeightSymmetric": True},
            )
        return onnx.load(result)


def relu6_at_six(model: onnx.ModelProto) -> dict[str, Quantization]:
    """Every ReLU6 output at 6/255 and -128.

    The values on both sides of the Clip are named, because the quantiser removes it and then finds its input in its
    place.
    """
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    names = []
    for node in model.graph.node:
        if node.op_type == "Clip" and [constants.get(i) for i in node.input[1:]] == [0.0, RELU6_LIMIT]:
            names += [node.input[0], node.output[0]]
    return dict.fromkeys(names, relu6_quantization())


@contextmanager
def _without_preprocessing_advice() -> Iterator[None]:
    """Drop the quantiser's advice, logged on the root logger, to fold and fuse first: `export` has done that."""

    def keep(record: logging.LogRecord) -> bool:
        return "pre-processing" not in record.getMessage()

    root = logging.getLogger()
    root.addFilter(keep)
    try:
        yield
    finally:
        root.removeFilter(keep)


def _overrides(known: Mapping[str, Quantization]) -> dict[str, list[dict[str, Any]]]:
    """In the form of the quantiser's TensorQuantOverrides: zero-dimensional arrays, one entry a tensor."""
    return {
        name: [{"scale": np.array(scale, np.float32), "zero_point": np.array(zero_point, np.int8)}]
        for name, (scale, zero_point) in known.items()
    }

"""Runs inside the environment of NNCF: quantises an ONNX model by `nncf.quantize`."""

from typing import Any

import nncf
import numpy as np
import onnx


def answer(request: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Quantise.

    Args:
        request: `preset` (``performance`` or ``mixed``) and `fast_bias_correction`.
        arrays: `model`, the float file's bytes as uint8, and `images`, float32 ``(n, channels, height, width)``.

    Returns:
        No values; `model`, the QDQ file's bytes as uint8.
    """
    source = onnx.load_model_from_string(arrays["model"].tobytes())
    name = source.graph.input[0].name
    quantized = nncf.quantize(
        source,
        nncf.Dataset(arrays["images"], lambda image: {name: image[np.newaxis]}),
        preset=nncf.QuantizationPreset(request["preset"]),
        subset_size=len(arrays["images"]),
        fast_bias_correction=request["fast_bias_correction"],
    )
    return {}, {"model": np.frombuffer(quantized.SerializeToString(deterministic=True), np.uint8)}

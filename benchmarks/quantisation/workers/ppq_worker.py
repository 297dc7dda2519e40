"""Runs inside the environment of PPQ (package esp-ppq): quantises an ONNX model.

torch is not in that environment: where pip finds no CPU wheel it would be several GB of CUDA once more. The project's
own is appended to the module path instead.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx


def answer(request: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Quantise: weights per channel, activations per tensor and asymmetric.

    Args:
        request: `torch`, the folder that holds it; `activations`, a calibration algorithm; `equalise`.
        arrays: `model`, the float file's bytes as uint8, and `images`, float32 ``(n, channels, height, width)``.

    Returns:
        No values; `model`, the QDQ file's bytes as uint8.
    """
    sys.path.append(request["torch"])
    # ruff: noqa: PLC0415
    import torch
    from esp_ppq import QuantizationSettingFactory, TargetPlatform
    from esp_ppq.api import export_ppq_graph, quantize_onnx_model

    torch.set_num_threads(1)
    pixels = torch.from_numpy(arrays["images"])
    settings = QuantizationSettingFactory.default_setting()
    settings.quantize_activation_setting.calib_algorithm = request["activations"]
    settings.equalization = request["equalise"]
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "model.onnx"), Path(folder, "model.int8.onnx")
        source.write_bytes(arrays["model"].tobytes())
        graph = quantize_onnx_model(
            onnx_import_file=str(source),
            calib_dataloader=list(torch.split(pixels, 1)),
            calib_steps=len(pixels),
            input_shape=[1, *pixels.shape[1:]],
            setting=settings,
            platform=TargetPlatform.OPENVINO_INT8,
            device="cpu",
        )
        export_ppq_graph(
            graph=graph, platform=TargetPlatform.ONNXRUNTIME, graph_save_to=str(result), config_save_to=None
        )
        quantized = _loadable(onnx.load(result))
    return {}, {"model": np.frombuffer(quantized.SerializeToString(deterministic=True), np.uint8)}


def _loadable(model: onnx.ModelProto) -> onnx.ModelProto:
    """PPQ writes an opset that does not know Reshape's `allowzero`, yet keeps it: drop it where there is no zero."""
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Reshape" and constants[node.input[1]].all():
            for attribute in [a for a in node.attribute if a.name == "allowzero"]:
                node.attribute.remove(attribute)
    return model

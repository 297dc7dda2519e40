"""Runs the uint8 twin in OpenVINO on this computer's CPU."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from pipeline.backends.uint8_twin import Uint8Array, from_uint8, operator_twin, planar_uint8, to_uint8
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array, IntegerGraph, Operator
from pipeline.runners import RunResult, host
from pipeline.targets import Target

ARTEFACT = "model.xml"
SAMPLES: int | None = None

#: One thread, one stream; f32 keeps the float parts from being computed in bfloat16 where the CPU has it.
_CONFIG = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}


def run_artefact(artefact: Path, target: Target, inputs: Int8Array) -> RunResult:
    """Execute ``model.xml`` on all `inputs`, then time it.

    The report's details list the primitives that OpenVINO executes, with their precision, so that a network left in
    float shows.

    Raises:
        SixfoldError: the artefact is missing or damaged.
    """
    path = artefact / ARTEFACT
    try:
        compiled = ov.Core().compile_model(path, "CPU", _CONFIG)
    except RuntimeError as error:
        raise SixfoldError(f"{path}: OpenVINO cannot load it ({str(error).splitlines()[0]})") from error
    request = compiled.create_infer_request()

    def infer(image: Uint8Array) -> Uint8Array:
        return np.array(next(iter(request.infer([image]).values())))

    images = planar_uint8(inputs)
    return RunResult(
        outputs=host.run_all(lambda image: from_uint8(infer(image)), images, target.name),
        latency=host.measure(infer, images),
        tools={"openvino": ov.__version__},
        details={"executed_primitives": _primitives(compiled)},
    )


def run_operator(graph: IntegerGraph, operator: Operator, inputs: Sequence[Int8Array]) -> Int8Array:
    """Execute one operator on int8 ``(samples, height, width, channels)`` inputs; returns the same layout.

    OpenVINO fuses a convolution with the residual addition after it and so rounds once where the graph rounds twice;
    its arithmetic can therefore only be checked operator by operator.
    """
    model = ov.Core().read_model(operator_twin(graph, operator).SerializeToString())
    request = ov.Core().compile_model(model, "CPU", _CONFIG).create_infer_request()
    results = []
    for sample in zip(*inputs, strict=True):
        feed = {
            name: np.ascontiguousarray(to_uint8(codes).transpose(2, 0, 1)[np.newaxis])
            for name, codes in zip(operator.inputs, sample, strict=True)
        }
        result = np.array(next(iter(request.infer(feed).values())))
        results.append(from_uint8(result)[0].transpose(1, 2, 0))
    return np.stack(results)


def _primitives(compiled: ov.CompiledModel) -> list[Mapping[str, str]]:
    """Type, kernel, precision and source operators of everything executed, in order."""
    rows: list[Mapping[str, str]] = []
    for node in compiled.get_runtime_model().get_ordered_ops():
        info = node.get_rt_info()
        kind = _text(info, "layerType")
        if kind in ("Const", "Input", "Output"):
            continue
        rows.append(
            {
                "type": kind,
                "kernel": _text(info, "primitiveType"),
                "precision": _text(info, "runtimePrecision"),
                "operators": _text(info, "originalLayersNames"),
            }
        )
    return rows


def _text(info: Any, key: str) -> str:
    value = info[key] if key in info else ""  # noqa: SIM401 - not a dict: it has no get()
    return str(getattr(value, "value", value))

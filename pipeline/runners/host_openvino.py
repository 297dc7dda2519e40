"""Runs the uint8 twin in OpenVINO: on this computer's CPU, its GPU or its NPU."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from pipeline.backends.uint8_twin import Uint8Array, from_uint8, operator_twin, planar_uint8, to_uint8
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array, IntegerGraph, Operator
from pipeline.runners import Infer, RunResult, host
from pipeline.targets import OpenvinoOptions, Target

ARTEFACT = "model.xml"
SAMPLES: int | None = None

#: f32 keeps the float parts from being computed in bfloat16 or float16 where the device has it.
_EXACT = {"INFERENCE_PRECISION_HINT": "f32"}
#: One inference at a time on one thread: what every runtime on this computer is timed with.
_CONFIG = {**_EXACT, "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}

#: How long throughput is measured; OpenVINO's own benchmark_app takes 60 s.
_THROUGHPUT_SECONDS = 2.0


def run_artefact(artefact: Path, target: Target, inputs: Int8Array) -> RunResult:
    """Execute ``model.xml`` on all `inputs`, then time it.

    The report's details list the primitives that OpenVINO executes, with their precision, so that a network left in
    float shows.

    Raises:
        SixfoldError: the artefact is missing or damaged, or this computer has no such device.
    """
    options = target.openvino
    compiled = _compile(artefact / ARTEFACT, target)
    request = compiled.create_infer_request()

    def infer(image: Uint8Array) -> Uint8Array:
        return np.array(next(iter(request.infer([image]).values())))

    images = planar_uint8(inputs)
    outputs = host.run_all(lambda image: from_uint8(infer(image)), images, target.name)
    latency = host.measure(infer, images)
    if options.device != "CPU":
        devices = " ".join(compiled.get_property("EXECUTION_DEVICES"))
        latency = replace(latency, where=f"{host.cpu_name()}, OpenVINO device {devices}")
    details: dict[str, Any] = {"device": options.device, "executed_primitives": _primitives(compiled)}
    if options.hint == "throughput":
        details["throughput"] = _throughput(compiled, images)
    return RunResult(outputs=outputs, latency=latency, tools={"openvino": ov.__version__}, details=details)


def open_inference(artefact: Path, target: Target) -> Infer:
    """Load ``model.xml`` on the target's device.

    Raises:
        SixfoldError: the artefact is missing or damaged, or this computer has no such device.
    """
    request = _compile(artefact / ARTEFACT, target).create_infer_request()

    def infer(image: Int8Array) -> Int8Array:
        codes = np.array(next(iter(request.infer([planar_uint8(image[np.newaxis])[0]]).values())))
        return from_uint8(codes).reshape(-1)

    return infer


def _compile(path: Path, target: Target) -> ov.CompiledModel:
    core = ov.Core()
    _check_device(target.openvino.device, core.available_devices, target.name)
    try:
        return core.compile_model(path, target.openvino.device, _configuration(target.openvino))
    except RuntimeError as error:
        raise SixfoldError(f"{path}: OpenVINO cannot load it ({str(error).splitlines()[0]})") from error


def _check_device(device: str, available: Sequence[str], name: str) -> None:
    # A computer with two graphics processors has GPU.0 and GPU.1.
    if device != "AUTO" and device not in {each.partition(".")[0] for each in available}:
        raise SixfoldError(
            f"targets/{name}.yaml: openvino.device: this computer has no {device} that OpenVINO finds; it has "
            f"{', '.join(available) or 'none'} (is the driver installed?)"
        )


def _configuration(options: OpenvinoOptions) -> dict[str, Any]:
    if options.hint == "throughput":
        return {**_EXACT, "PERFORMANCE_HINT": "THROUGHPUT"}
    return _CONFIG if options.device == "CPU" else {**_EXACT, "PERFORMANCE_HINT": "LATENCY"}


def _throughput(compiled: ov.CompiledModel, images: Sequence[Uint8Array]) -> dict[str, Any]:
    """As benchmark_app measures: as many requests in flight as the device wants, for a fixed time.

    Returns:
        Under benchmark_app's names: requests, iterations, duration, median latency and frames per second.
    """
    times: list[float] = []
    started: dict[int, float] = {}

    def done(request: ov.InferRequest, identifier: int) -> None:
        del request
        times.append(time.perf_counter() - started.pop(identifier))

    queue = ov.AsyncInferQueue(compiled)
    queue.set_callback(done)
    begin = time.perf_counter()
    count = 0
    while time.perf_counter() - begin < _THROUGHPUT_SECONDS:
        queue.is_ready()  # so that waiting for a free request is not counted as latency
        started[count] = time.perf_counter()
        queue.start_async([images[count % len(images)]], count)
        count += 1
    queue.wait_all()
    duration = time.perf_counter() - begin
    return {
        "requests": len(queue),
        "iterations": count,
        "duration_ms": duration * 1e3,
        "median_latency_ms": statistics.median(times) * 1e3,
        "fps": count / duration,
    }


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

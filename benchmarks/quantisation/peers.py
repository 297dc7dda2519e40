"""Other people's quantisers, on the same network and images; what they make is a QDQ file for ONNX Runtime.

Each gets its usual settings for int8 on a processor: weights per channel, activations per tensor.
"""

from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch

from benchmarks.quantisation.method import Method, Quantised, timed
from benchmarks.quantisation.onnxruntime_peer import Ranges, quantize_by_onnxruntime, relu6_at_six
from benchmarks.quantisation.problem import Problem
from benchmarks.sources import digest_of
from calibration.affine import affine_quantization
from pipeline.preprocess import input_range
from pipeline.progress import progress_bar
from pipeline.tool_environments import tool_environment, tool_python
from pipeline.tool_process import run_worker

#: ONNX Runtime keeps every activation of every image for its histograms, some 50 MB an image.
HISTOGRAM_IMAGES = 32
TIME_LIMIT_S = 3600
WORKERS = Path(__file__).parent / "workers"


def peers(images: int) -> list[Method]:
    """All of them; `images` is how many there are to calibrate with."""
    few = min(images, HISTOGRAM_IMAGES)
    return [
        _onnxruntime("ONNX Runtime, MinMax", images, "MinMax"),
        _onnxruntime("ONNX Runtime, Entropy", few, "Entropy"),
        _onnxruntime("ONNX Runtime, Percentile", few, "Percentile"),
        _onnxruntime("ONNX Runtime, MinMax, every ReLU6 at 6/255", images, "MinMax", six=True),
        _nncf("NNCF, default", images, {"preset": "performance", "fast_bias_correction": True}),
        _nncf("NNCF, mixed preset", images, {"preset": "mixed", "fast_bias_correction": True}),
        _nncf("NNCF, accurate bias correction", images, {"preset": "performance", "fast_bias_correction": False}),
        _ppq("PPQ, default (percentile)", images, {"activations": "percentile", "equalise": False}),
        _ppq("PPQ, MSE ranges", images, {"activations": "mse", "equalise": False}),
        _ppq("PPQ, MSE ranges, equalised", images, {"activations": "mse", "equalise": True}),
    ]


def _onnxruntime(name: str, images: int, ranges: Ranges, six: bool = False) -> Method:
    decides = {
        "ranges": ranges,
        "six": six,
        "onnxruntime": version("onnxruntime"),
        "code": digest_of(["benchmarks/quantisation/onnxruntime_peer.py"]),
    }
    return Method(name, images, decides, partial(_by_onnxruntime, ranges, six))


def _by_onnxruntime(ranges: Ranges, six: bool, problem: Problem, images: int) -> Quantised:
    model = problem.onnx_model
    known = relu6_at_six(model) if six else {}
    known[model.graph.input[0].name] = affine_quantization(*input_range(problem.normalization))
    with progress_bar("calibration", images) as advance:

        def counted(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            advance(1)
            return image

        copy = onnx.ModelProto.FromString(model.SerializeToString())
        return timed(lambda: quantize_by_onnxruntime(copy, map(counted, problem.normalised(images)), ranges, known))


def _nncf(name: str, images: int, request: Mapping[str, Any]) -> Method:
    return _worker(name, images, "nncf", "nncf_worker.py", request)


def _ppq(name: str, images: int, request: Mapping[str, Any]) -> Method:
    return _worker(name, images, "esp-ppq", "ppq_worker.py", request, {"torch": str(Path(torch.__file__).parents[1])})


def _worker(
    name: str,
    images: int,
    environment: str,
    script: str,
    request: Mapping[str, Any],
    paths: Mapping[str, str] | None = None,
) -> Method:
    """A method that runs in an environment of its own; `paths` are given to the script and decide nothing."""
    decides = {
        "request": dict(request),
        "environment": [pin.line() for pin in tool_environment(environment).pins],
        "code": digest_of([f"benchmarks/quantisation/workers/{script}"]),
    }
    return Method(
        name, images, decides, partial(_by_worker, environment, WORKERS / script, {**request, **(paths or {})})
    )


def _by_worker(environment: str, script: Path, request: Mapping[str, Any], problem: Problem, images: int) -> Quantised:
    tool_python(environment)  # made before the time is taken
    arrays: dict[str, npt.NDArray[Any]] = {
        "model": np.frombuffer(problem.model, np.uint8),
        "images": problem.normalised(images),
    }

    def work() -> onnx.ModelProto:
        _, answer = run_worker(environment, script, request, arrays, time_limit_s=TIME_LIMIT_S)
        return onnx.load_model_from_string(answer["model"].tobytes())

    return timed(work)

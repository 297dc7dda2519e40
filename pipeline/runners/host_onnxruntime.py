"""Runs the uint8 twin in ONNX Runtime on this computer."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime as ort

from pipeline.backends.uint8_twin import Uint8Array, from_uint8, planar_uint8
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array
from pipeline.runners import Infer, RunResult, host
from pipeline.targets import Target

ARTEFACT = "model.uint8.onnx"
SAMPLES: int | None = None


def run_artefact(artefact: Path, target: Target, inputs: Int8Array) -> RunResult:
    """Execute ``model.uint8.onnx`` on all `inputs`, then time it.

    The report's details list the operators that ONNX Runtime executes after its own fusion, so that a network left
    partly in float shows.

    Raises:
        SixfoldError: the artefact is missing or damaged.
    """
    path = artefact / ARTEFACT
    with TemporaryDirectory() as folder:
        optimised = Path(folder, "optimised.onnx")
        options = _options()
        options.optimized_model_filepath = str(optimised)
        session = _session(path, options)
        executed = Counter(node.op_type for node in onnx.load(optimised).graph.node)

    def infer(image: Uint8Array) -> Uint8Array:
        return np.asarray(session.run(None, {session.get_inputs()[0].name: image})[0])

    images = planar_uint8(inputs)
    return RunResult(
        outputs=host.run_all(lambda image: from_uint8(infer(image)), images, target.name),
        latency=host.measure(infer, images),
        tools={"onnxruntime": ort.__version__},
        details={"executed_operators": dict(sorted(executed.items()))},
    )


def open_inference(artefact: Path, target: Target) -> Infer:
    """Load ``model.uint8.onnx``.

    Raises:
        SixfoldError: the artefact is missing or damaged.
    """
    del target  # one file, one processor
    session = _session(artefact / ARTEFACT, _options())
    name = session.get_inputs()[0].name

    def infer(image: Int8Array) -> Int8Array:
        (codes,) = session.run(None, {name: planar_uint8(image[np.newaxis])[0]})
        return from_uint8(np.asarray(codes)).reshape(-1)

    return infer


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def _session(path: Path, options: ort.SessionOptions) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions have no common base of their own
        raise SixfoldError(f"{path}: ONNX Runtime cannot load it ({str(error).splitlines()[0]})") from error

"""Runs the uint8 twin in ONNX Runtime on this computer."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper

from pipeline.backends.uint8_twin import Uint8Array, from_uint8, planar_uint8
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array
from pipeline.graph.onnx_file import load_onnx
from pipeline.graph.reference import Family
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


def run_tensors(artefact: Path, target: Target, image: Int8Array, family: Family) -> Mapping[str, Int8Array]:
    """Every activation of one inference, by name: the same file with all of them declared as outputs.

    That changes no kernel: ONNX Runtime's fusions of quantised operators end where the codes are.

    Args:
        artefact: folder of the artefact.
        target: what it was built for.
        image: int8 ``(height, width, channels)``.
        family: ``float``, the only one that it computes in.

    Raises:
        SixfoldError: the artefact is missing or damaged.
    """
    del target, family
    path = artefact / ARTEFACT
    model = load_onnx(path)
    known = {value.name for value in model.graph.output}
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear" and node.output[0] not in known:
            model.graph.output.append(helper.make_tensor_value_info(node.output[0], onnx.TensorProto.UINT8, None))
    session = _session(path, _options(), model.SerializeToString())
    names = [value.name for value in session.get_outputs()]
    found = session.run(None, {session.get_inputs()[0].name: planar_uint8(image[np.newaxis])[0]})
    return {name: _interleaved(from_uint8(codes)) for name, codes in zip(names, found, strict=True)}


def _interleaved(codes: Int8Array) -> Int8Array:
    """``(1, channels, height, width)`` to ``(height, width, channels)``."""
    return np.ascontiguousarray(codes[0].transpose(1, 2, 0))


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


def _session(path: Path, options: ort.SessionOptions, content: bytes | None = None) -> ort.InferenceSession:
    """The file `path`, or `content` in its place."""
    try:
        return ort.InferenceSession(content or str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions have no common base of their own
        raise SixfoldError(f"{path}: ONNX Runtime cannot load it ({str(error).splitlines()[0]})") from error

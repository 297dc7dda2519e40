"""Running an Ethos-U artefact: `runner.kind` says how far that goes.

* ``npu-model``: the functional model executes the command stream, for Ethos-U55 and Ethos-U65.
* ``estimate``: nothing here executes the artefact, and its parity stays unknown. What can be shown is that the file
  from which Vela compiled it computes the graph: LiteRT's reference kernels run that one.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from pipeline.backends.ethos_u import ARTEFACT, SOURCE
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array
from pipeline.progress import progress_bar
from pipeline.runners import OtherKernels, RunResult
from pipeline.runners.ethos_u.estimated import estimated_result, read_artefact
from pipeline.runners.ethos_u.model import Model
from pipeline.targets import Target

#: The model takes a fiftieth of a second each for the smallest network, a second for a width of 1.0 at 224x224.
SAMPLES: int | None = 200

_BATCH = 8


def run_artefact(artefact: Path, target: Target, inputs: Int8Array) -> RunResult:
    """Execute the artefact, or the file that it was compiled from.

    An operator that is left to the CPU is a violation: the artefact then is not executed either.

    Raises:
        SixfoldError: the artefact is missing or damaged, or holds what is not modelled.
    """
    estimate, compiled = read_artefact(artefact)
    if inputs.shape[1:] != compiled.input_shape:
        raise SixfoldError(f"{artefact / ARTEFACT}: takes {compiled.input_shape}, got {inputs.shape[1:]}")
    result = estimated_result(artefact, estimate, compiled)
    if target.runner.kind == "npu-model" and not estimate.on_cpu:
        outputs = _model_outputs(Model(compiled), inputs, target.name)
        model = f"functional model of the {target.core}, which has no timing"
        return result.but(outputs=outputs, details={**result.details, "executed_by": model})
    reason = f"no model of the {target.core} is available here"
    if estimate.on_cpu:
        reason = "some operators are left to the CPU"
    source = OtherKernels(
        f"{SOURCE}, from which it was compiled, in LiteRT's reference kernels",
        "fixed-point",
        _source_outputs(artefact / SOURCE, inputs, target.name),
    )
    tools = {**result.tools, "ai-edge-litert": version("ai-edge-litert")}
    return result.but(not_run=reason, others=(source,), tools=tools)


def _model_outputs(model: Model, inputs: Int8Array, name: str) -> Int8Array:
    outputs = []
    with progress_bar(name, len(inputs)) as advance:
        for start in range(0, len(inputs), _BATCH):
            batch = np.ascontiguousarray(inputs[start : start + _BATCH])
            outputs.append(model.execute(batch))
            advance(len(batch))
    return np.concatenate(outputs)


def _source_outputs(path: Path, inputs: Int8Array, name: str) -> Int8Array:
    try:
        interpreter = Interpreter(
            model_content=path.read_bytes(), num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
        interpreter.allocate_tensors()
    except (OSError, ValueError, RuntimeError) as error:
        raise SixfoldError(f"{path}: LiteRT cannot load it ({str(error).strip().partition(chr(10))[0]})") from error
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    with progress_bar(name, len(inputs)) as advance:
        for image in inputs:
            interpreter.set_tensor(source["index"], np.ascontiguousarray(image[np.newaxis]))
            interpreter.invoke()
            outputs.append(np.array(interpreter.get_tensor(result["index"]), np.int8).reshape(-1))
            advance(1)
    return np.stack(outputs)

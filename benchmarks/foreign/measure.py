"""Imports each file and runs the original and the imported graph on the same random inputs."""

from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from benchmarks.foreign.files import FILES, PACKAGE, int8_part, read_file
from benchmarks.foreign.results import Difference, FileRow, ForeignResults
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.graph.reference import execute_all
from pipeline.importers.tflite import read_tflite
from pipeline.importers.tflite_file import TfliteFile
from pipeline.packages import pinned_package
from pipeline.runners.host_tflm import measure
from pipeline.tool_environments import tool_environment

_SAMPLES = 200


def run(tell: Callable[[str], None], samples: int = _SAMPLES) -> ForeignResults:
    """Measure every file."""
    rows = []
    for path in FILES:
        tell(path)
        rows.append(measure_file(path, samples))
    return ForeignResults(
        package=pinned_package(PACKAGE).requirement,
        litert=version("ai-edge-litert"),
        tflm=tool_environment("tflite-micro").version,
        files=tuple(rows),
    )


def measure_file(path: str, samples: int) -> FileRow:
    """Compare one file with its imported graph."""
    data = read_file(path)
    file = TfliteFile(data, path)
    graph = read_tflite(file).graph
    indices = _indices(file, graph)
    part = int8_part(data, indices[graph.input], indices[graph.output])
    inputs = np.random.default_rng(0).integers(-128, 128, (samples, *graph.tensors[graph.input].shape), dtype=np.int8)
    worst: dict[str, list[Difference]] = {name: [] for name in graph.tensors}
    outputs = []
    interpreter = _litert(part)
    for image in inputs:
        expected = execute_all(graph, image[np.newaxis], "fixed-point")
        outputs.append(expected[graph.output].reshape(-1))
        for name, codes in _litert_tensors(interpreter, indices, image).items():
            worst[name].append(_difference(codes, expected[name]))
    tflm = measure(part, inputs).outputs
    logits = worst.pop(graph.output)
    return FileRow(
        name=path.rpartition("/")[2],
        input=graph.tensors[graph.input].shape,
        operators=len(graph.operators),
        samples=samples,
        litert_tensors=_together([row for rows in worst.values() for row in rows]),
        litert_logits=_together(logits),
        tflm_logits=_difference(tflm, np.stack(outputs)),
    )


def _indices(file: TfliteFile, graph: IntegerGraph) -> dict[str, int]:
    """Where the graph's activations are in the file."""
    computed = {index for operator in file.operators for index in operator.outputs} | set(file.inputs)
    names = {file.tensors[index].name.partition(";")[0]: index for index in computed}
    # A name that could not stand was replaced by one that tells the index.
    return {name: names[name] if name in names else int(name.rpartition("_")[2]) for name in graph.tensors}


def _litert(content: bytes) -> Interpreter:
    interpreter = Interpreter(
        model_content=content,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    return interpreter


def _litert_tensors(interpreter: Interpreter, indices: dict[str, int], image: Int8Array) -> dict[str, Int8Array]:
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[np.newaxis])
    interpreter.invoke()
    return {name: interpreter.get_tensor(index) for name, index in indices.items()}


def _difference(codes: npt.NDArray[np.int8], expected: npt.NDArray[np.int8]) -> Difference:
    steps = np.abs(codes.reshape(-1).astype(np.int16) - expected.reshape(-1))
    return Difference(compared=steps.size, mismatched=int(np.count_nonzero(steps)), max_lsb=int(steps.max()))


def _together(rows: list[Difference]) -> Difference:
    return Difference(
        compared=sum(row.compared for row in rows),
        mismatched=sum(row.mismatched for row in rows),
        max_lsb=max(row.max_lsb for row in rows),
    )

"""Writes the project's files from templates; every number in them comes from the graph or was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from pipeline.backends.cortex_m.c_source import c_string
from pipeline.backends.litert.writer import PaddingStyle, write_tflite
from pipeline.errors import GateFailedError, SixfoldError
from pipeline.exports.tflm.arena import Arena, scratch_bound
from pipeline.files import atomic_folder
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.graph.reference import execute
from pipeline.metadata import read_labels, read_normalization
from pipeline.preprocess import Normalization, quantized_pixel_table
from pipeline.progress import progress_bar
from pipeline.runners.host_tflm import measure

#: The interpreter's method that registers an operator, by the schema's name of it.
_REGISTER = {
    "ADD": "AddAdd",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "CONV_2D": "AddConv2D",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "PAD": "AddPad",
}
_TEMPLATES = (
    "CMakeLists.txt",
    "README.md",
    "main.cc",
    "model_data.cc",
    "model_data.h",
    "model_io.cc",
    "model_io.h",
    "model_settings.h",
    "operators.h",
    "test_vectors.cc",
    "test_vectors.h",
)
#: No second, padded copy of a layer's input: the smallest arena.
_PADDING: PaddingStyle = "kernel"


@dataclass(frozen=True)
class Project:
    """What was written."""

    files: tuple[str, ...]
    arena: Arena
    operators: tuple[str, ...]


def write_project(graph: IntegerGraph, inputs: Int8Array, where: str, folder: Path) -> Project:
    """Write a project into a new folder.

    Args:
        graph: with the metadata that the helpers need.
        inputs: int8 ``(samples, height, width, channels)``: the test vectors.
        where: the graph's file, for messages.
        folder: must not exist, or be empty. The same arguments give the same bytes.

    Raises:
        SixfoldError: `folder` holds something, metadata are missing, or the interpreter's environment cannot be made.
        GateFailedError: the interpreter computes something else than the reference.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SixfoldError(f"{folder}: exists and is not empty; name another folder, or remove it")
    normalization = read_normalization(graph.metadata, where)
    labels = read_labels(graph.metadata, where)
    content = write_tflite(graph, "int8", _PADDING)
    # Each vector is computed twice: all at once by the interpreter, which says nothing until it is done.
    with progress_bar("test vectors", 2 * len(inputs)) as advance:
        found = measure(content, inputs)
        advance(len(inputs))
        expected = execute(graph, inputs, "fixed-point", advance)
    if not np.array_equal(found.outputs, expected):
        raise GateFailedError(f"{where}: TensorFlow Lite Micro computes other codes than the reference")
    arena = Arena(found.total, found.activations, scratch_bound(graph, kernel_padding=True))
    operators = _operators(content)
    values = _values(graph, normalization, labels, content, arena, operators) | _vectors(inputs, expected)
    with atomic_folder(folder) as temporary:
        for name in _TEMPLATES:
            (temporary / name).write_text(_render(f"{name}.j2", values), encoding="utf-8")
        (temporary / "model.tflite").write_bytes(content)
    return Project((*_TEMPLATES, "model.tflite"), arena, operators)


def exponentials(graph: IntegerGraph) -> npt.NDArray[np.float32]:
    """``exp(-scale * d)`` for d = 0..255 steps below the largest logit: all that a softmax of codes needs, float32."""
    scale = np.float64(np.float32(graph.tensors[graph.output].scale))
    return np.exp(-scale * np.arange(256)).astype(np.float32)


def _operators(content: bytes) -> tuple[str, ...]:
    """The methods that register what the file has, sorted."""
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    model = schema.Model.GetRootAs(content)
    found = {names[model.OperatorCodes(index).BuiltinCode()] for index in range(model.OperatorCodesLength())}
    return tuple(sorted(_REGISTER[name] for name in found))


def _values(
    graph: IntegerGraph,
    normalization: Normalization,
    labels: Sequence[str],
    content: bytes,
    arena: Arena,
    operators: Sequence[str],
) -> dict[str, Any]:
    source, result = graph.tensors[graph.input], graph.tensors[graph.output]
    height, width, channels = source.shape
    return {
        "sha256": graph.sha256(),
        "height": height,
        "width": width,
        "channels": channels,
        "classes": result.shape[2],
        "labels": labels,
        "mean": normalization.mean,
        "std": normalization.std,
        "input": source,
        "output": result,
        "arena": arena,
        "operators": operators,
        "model": content,
        "pixel_codes": quantized_pixel_table(normalization, source.scale, source.zero_point),
        "exponentials": exponentials(graph),
    }


def _vectors(inputs: Int8Array, expected: Int8Array) -> dict[str, Any]:
    return {"inputs": inputs.reshape(len(inputs), -1), "expected": expected}


def _render(template: str, values: dict[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {"c_string": c_string, "rows": _rows, "real": _real, "double": repr}
    return environment.get_template(template).render(values)


def _rows(values: npt.ArrayLike | bytes) -> str:
    """Integers as the lines of an initialiser."""
    numbers = list(values) if isinstance(values, bytes) else np.asarray(values).reshape(-1).tolist()
    lines = (numbers[start : start + 20] for start in range(0, len(numbers), 20))
    return "\n".join("    " + ", ".join(map(str, line)) + "," for line in lines)


def _real(value: float) -> str:
    """A float literal that reads back as the same float32."""
    return f"{float(np.float32(value)).hex()}f"

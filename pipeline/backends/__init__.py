"""One module or folder per compiler: integer graph and target in, artefact out."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from pipeline.targets import Target

if TYPE_CHECKING:  # a command that only asks which backends there are need not wait for NumPy
    from pipeline.graph.ir import IntegerGraph

BACKEND_MODULES = {
    "onnxruntime": "pipeline.backends.onnxruntime",
    "onnxruntime-aarch64": "pipeline.backends.linux.onnxruntime",
    "openvino": "pipeline.backends.openvino",
    "tvm": "pipeline.backends.tvm",
    "litert": "pipeline.backends.tflite",
    "litert-aarch64": "pipeline.backends.linux.litert",
    "tflm": "pipeline.backends.tflite",
    "cortex-m": "pipeline.backends.cortex_m",
    "ethos-u": "pipeline.backends.ethos_u",
}


class Backend(Protocol):
    """What a backend module offers. It knows the graph and the target, and no stage."""

    def compile_graph(self, graph: IntegerGraph, target: Target, folder: Path) -> None:
        """Write the artefact's files into `folder` (exists, empty). Same graph and target, same bytes.

        Raises:
            SixfoldError: the graph does not fit the target, or a tool is missing or refused.
        """


def load_backend(name: str) -> Backend:
    """Import the backend of a target file's `backend:` only when it is used: compilers are slow to import."""
    return cast(Backend, importlib.import_module(BACKEND_MODULES[name]))

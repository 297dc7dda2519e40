"""ONNX Runtime: the artefact is the uint8 twin as an ONNX file."""

from pathlib import Path

from pipeline.backends.uint8_twin import uint8_twin
from pipeline.graph.ir import IntegerGraph
from pipeline.targets import Target

ARTEFACT = "model.uint8.onnx"


def compile_graph(graph: IntegerGraph, target: Target, folder: Path) -> None:
    """Write ``model.uint8.onnx`` into `folder`; ONNX Runtime optimises it when it loads it."""
    del target  # one file serves every CPU that ONNX Runtime runs on
    (folder / ARTEFACT).write_bytes(uint8_twin(graph).SerializeToString(deterministic=True))

"""TensorFlow Lite: the artefact is one ``.tflite`` file, for LiteRT and for the interpreter on microcontrollers."""

from pathlib import Path

from pipeline.backends.litert.artefact import ARTEFACT
from pipeline.backends.litert.writer import write_tflite
from pipeline.graph.ir import IntegerGraph
from pipeline.targets import Target


def compile_graph(graph: IntegerGraph, target: Target, folder: Path) -> None:
    """Write ``model.tflite`` into `folder`; the runtimes plan memory and choose kernels when they load it."""
    (folder / ARTEFACT).write_bytes(write_tflite(graph, target.tflite.input, target.tflite.padding))

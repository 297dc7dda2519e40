"""LiteRT on a Linux board: the ``.tflite`` file with all that the board needs but the runtime itself."""

from pathlib import Path

from pipeline.backends.linux.folder import write_device_files
from pipeline.backends.linux.requirements import write_requirements
from pipeline.backends.litert.artefact import ARTEFACT
from pipeline.backends.litert.writer import write_tflite
from pipeline.graph.ir import IntegerGraph
from pipeline.targets import Target

_ENGINE = Path(__file__).with_name("device") / "litert_engine.py"


def compile_graph(graph: IntegerGraph, target: Target, folder: Path) -> None:
    """Write the complete folder, see :mod:`pipeline.backends.linux`.

    Raises:
        SixfoldError: the graph's metadata lacks labels or normalisation.
    """
    (folder / ARTEFACT).write_bytes(write_tflite(graph, target.tflite.input, target.tflite.padding))
    packages = ("ai-edge-litert", "numpy")
    details = {"model": ARTEFACT, "input": target.tflite.input, **write_requirements(packages, folder)}
    write_device_files(graph, target.reference, _ENGINE, details, folder)

"""ONNX Runtime on a Linux board: the uint8 twin with all that the board needs but the runtime itself."""

from pathlib import Path

from pipeline.backends.linux.folder import write_device_files
from pipeline.backends.linux.requirements import write_requirements
from pipeline.backends.onnxruntime import ARTEFACT
from pipeline.backends.uint8_twin import uint8_twin
from pipeline.graph.ir import IntegerGraph
from pipeline.targets import Target

_ENGINE = Path(__file__).with_name("device") / "onnxruntime_engine.py"


def compile_graph(graph: IntegerGraph, target: Target, folder: Path) -> None:
    """Write the complete folder, see :mod:`pipeline.backends.linux`.

    Raises:
        SixfoldError: the graph's metadata lacks labels or normalisation.
    """
    (folder / ARTEFACT).write_bytes(uint8_twin(graph).SerializeToString(deterministic=True))
    packages = ("onnxruntime", "numpy")
    details = {"model": ARTEFACT, **write_requirements(packages, folder)}
    write_device_files(graph, target.reference, _ENGINE, details, folder)

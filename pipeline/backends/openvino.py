"""OpenVINO: the artefact is the uint8 twin in OpenVINO's own format."""

from pathlib import Path

import openvino as ov

from pipeline.backends.uint8_twin import uint8_twin
from pipeline.graph.ir import IntegerGraph
from pipeline.targets import Target

ARTEFACT = "model.xml"


def compile_graph(graph: IntegerGraph, target: Target, folder: Path) -> None:
    """Write ``model.xml`` and ``model.bin`` into `folder`; OpenVINO compiles them for the CPU when it loads them."""
    del target  # one pair of files serves every x86 CPU
    model = ov.Core().read_model(uint8_twin(graph).SerializeToString(deterministic=True))
    _name_by_position(model)
    # Constants stay as they are: compression to float16 would change the scales.
    ov.save_model(model, folder / ARTEFACT, compress_to_fp16=False)


def _name_by_position(model: ov.Model) -> None:
    """Rename nodes that OpenVINO named from a counter of the whole process: the same graph must give the same file."""
    for position, node in enumerate(model.get_ordered_ops()):
        if node.get_friendly_name() == node.get_name():
            node.set_friendly_name(f"{node.get_type_name()}_{position}")

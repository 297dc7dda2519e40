"""`sixfold export`: the current model as a project for another build system."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from pipeline.cli.output import print_json
from pipeline.graph.reader import read_graph
from pipeline.paths import INT8_MODEL
from pipeline.stages.samples import choose_samples


def export_tflm(folder: Path, vectors: int, as_json: bool = False) -> None:
    """Write a project for TensorFlow Lite Micro with test vectors that are spread over the test split."""
    graph = read_graph(INT8_MODEL)
    samples = choose_samples(graph)
    from pipeline.exports.tflm import write_project  # noqa: PLC0415 - the schema and the templates' engine: both are slow

    chosen = np.linspace(0, len(samples.inputs) - 1, min(vectors, len(samples.inputs))).astype(np.int64)
    project = write_project(graph, np.ascontiguousarray(samples.inputs[chosen]), str(INT8_MODEL), folder)
    arena = project.arena
    if as_json:
        contents = {"folder": folder.as_posix(), "files": len(project.files), "operators": list(project.operators)}
        print_json({**contents, "arena": asdict(arena), "vectors": {"samples": len(chosen), "source": samples.source}})
        return
    print(f"{folder}: {len(project.files)} files, {len(chosen)} test vectors from {samples.source}")
    print(f"{folder}: operators {', '.join(project.operators)}")
    print(
        f"{folder}: arena of {arena.size} bytes: {arena.measured} measured ({arena.activations} of activations), "
        f"{arena.scratch} for scratch buffers"
    )

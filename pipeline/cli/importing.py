"""`sixfold import`: takes in a network that others quantised."""

from collections import Counter
from pathlib import Path
from typing import Any

from pipeline.cli.output import print_json
from pipeline.graph.ir import IntegerGraph
from pipeline.importers.imported import Imported
from pipeline.importers.model_file import Overrides, import_model
from pipeline.preprocess import Normalization


def import_file(
    source: Path, output: Path, normalization: Normalization | None, labels: Path | None, as_json: bool = False
) -> None:
    """Import and say what came of it, in words or as JSON."""
    imported = import_model(source, output, Overrides(normalization, labels))
    if as_json:
        print_json(_as_json(imported, output))
        return
    for note in imported.notes:
        print(f"{source}: {note}")
    print(f"{output}: {_summary(imported)}")


def _as_json(imported: Imported, output: Path) -> dict[str, Any]:
    graph = imported.graph
    return {
        "model": output.as_posix(),
        "graph_sha256": graph.sha256(),
        "input": list(graph.tensors[graph.input].shape),
        "classes": graph.tensors[graph.output].shape[2],
        "operators": _operators(graph),
        "notes": list(imported.notes),
    }


def _operators(graph: IntegerGraph) -> dict[str, int]:
    return dict(Counter(type(operator).__name__ for operator in graph.operators))


def _summary(imported: Imported) -> str:
    graph = imported.graph
    height, width, channels = graph.tensors[graph.input].shape
    counts = _operators(graph)
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return f"{height}x{width}x{channels} to {graph.tensors[graph.output].shape[2]} classes: {kinds}"

"""`sixfold import`: takes in a network that others quantised."""

from collections import Counter
from pathlib import Path

from pipeline.importers.imported import Imported
from pipeline.importers.model_file import Overrides, import_model
from pipeline.preprocess import Normalization


def import_file(source: Path, output: Path, normalization: Normalization | None, labels: Path | None) -> None:
    """Import and say what came of it."""
    imported = import_model(source, output, Overrides(normalization, labels))
    for note in imported.notes:
        print(f"{source}: {note}")
    print(f"{output}: {_summary(imported)}")


def _summary(imported: Imported) -> str:
    graph = imported.graph
    height, width, channels = graph.tensors[graph.input].shape
    counts = Counter(type(operator).__name__ for operator in graph.operators)
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return f"{height}x{width}x{channels} to {graph.tensors[graph.output].shape[2]} classes: {kinds}"

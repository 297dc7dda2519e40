"""`sixfold import`: a file of any known format as ``model.int8.onnx``, with all that a device needs to be told."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import SixfoldError
from pipeline.files import atomic_file
from pipeline.graph.ir import IntegerGraph
from pipeline.graph.qdq import int8_qdq
from pipeline.graph.reader import read_graph
from pipeline.importers.imported import LARGEST_FILE, Imported
from pipeline.importers.onnx_model import read_onnx
from pipeline.importers.tflite import read_tflite
from pipeline.importers.tflite_file import IDENTIFIER, TfliteFile
from pipeline.importers.tflite_metadata import read_metadata, split_labels
from pipeline.metadata import IMPORTED, read_labels, read_normalization
from pipeline.preprocess import Normalization


@dataclass(frozen=True)
class Overrides:
    """What the user says instead of the file; None leaves it to the file.

    Attributes:
        normalization: one mean and std for all channels, or one per channel, of pixels scaled to 0..1.
        labels: path of a text file, a class a line.
    """

    normalization: Normalization | None = None
    labels: Path | None = None


def import_model(source: Path, output: Path, overrides: Overrides) -> Imported:
    """Read `source` and write `output`.

    Returns:
        The graph with its metadata, as `output` reads back.

    Raises:
        SixfoldError: a file is missing, damaged or beyond a limit, has something that no operator of the graph computes
            exactly, or does not say what a device must be told. Nothing is written then.
    """
    data = read_bytes(source)
    imported = read_model(data, str(source), overrides)
    origin = json.dumps({"file": source.name, "sha256": hashlib.sha256(data).hexdigest()}, sort_keys=True)
    graph = replace(imported.graph, metadata={**imported.graph.metadata, IMPORTED: origin})
    with atomic_file(output) as temporary:
        temporary.write_bytes(int8_qdq(graph).SerializeToString(deterministic=True))
        written = read_graph(temporary)
    if written.sha256() != graph.sha256():
        raise AssertionError(f"{output}: reads back as another graph")
    return Imported(graph, imported.notes)


def read_model(data: bytes, where: str, overrides: Overrides = Overrides()) -> Imported:
    """The same from a file's bytes, without writing anything; the format is told by its content."""
    tflite = data[4:8] == IDENTIFIER or where.lower().endswith(".tflite")
    imported = _from_tflite(data, where, overrides) if tflite else read_onnx(data, where)
    metadata = dict(imported.graph.metadata)
    metadata |= _normalization(imported.graph, where, overrides.normalization)
    found, notes = _labels(imported.graph, where, overrides.labels)
    return Imported(replace(imported.graph, metadata=metadata | found), (*imported.notes, *notes))


def read_bytes(path: Path) -> bytes:
    """A whole file, if it can be a network for a microcontroller.

    Raises:
        SixfoldError: missing, not readable, or larger than :data:`LARGEST_FILE`.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise SixfoldError(f"{path}: cannot be read ({error.strerror})") from error
    if len(data) > LARGEST_FILE:
        raise SixfoldError(f"{path}: more than {LARGEST_FILE} bytes; that is no network for a microcontroller")
    return data


def _from_tflite(data: bytes, where: str, overrides: Overrides) -> Imported:
    file = TfliteFile(data, where)
    found = read_metadata(file)
    imported = read_tflite(file, found.unweighted_names)
    notes = list(imported.notes)
    if found.graph_sha256 is not None:
        same = found.graph_sha256 == imported.graph.sha256()
        notes.append(
            "the very graph that Sixfold wrote it from"
            if same
            else "another graph than Sixfold wrote it from: it was changed, or has padding in its kernels"
        )
    metadata = dict(found.own)
    if found.normalization is not None:
        metadata |= _normalization_metadata(found.normalization)
    if found.labels is not None:
        metadata |= _labels_metadata(found.labels)
    return Imported(replace(imported.graph, metadata=metadata), tuple(notes))


def _normalization(graph: IntegerGraph, where: str, override: Normalization | None) -> dict[str, str]:
    """Checked metadata, one value per channel."""
    channels = graph.tensors[graph.input].shape[2]
    if override is None and "sixfold.mean" not in graph.metadata:
        raise SixfoldError(
            f"{where}: does not say how its input is normalised; give --mean and --std, of pixels scaled to 0..1 "
            "(0.5 and 0.5 if it was trained on -1..1, 0 and 1 on 0..1, 0 and 0.00392156862745098 on 0..255)"
        )
    normalization = override or read_normalization(graph.metadata, where)
    if normalization.channels == 1:
        normalization = Normalization(normalization.mean * channels, normalization.std * channels)
    if normalization.channels != channels:
        raise SixfoldError(f"{where}: mean and std are for {normalization.channels} channels, its input has {channels}")
    return _normalization_metadata(normalization)


def _labels(graph: IntegerGraph, where: str, override: Path | None) -> tuple[dict[str, str], tuple[str, ...]]:
    """Checked metadata; numbers where nobody names the classes."""
    classes = graph.tensors[graph.output].shape[2]
    notes: tuple[str, ...] = ()
    if override is not None:
        labels = split_labels(read_bytes(override), str(override))
    elif "sixfold.labels" in graph.metadata:
        labels = tuple(read_labels(graph.metadata, where))
    else:
        labels, notes = tuple(map(str, range(classes))), ("names no classes; they are numbered (--labels names them)",)
    if len(labels) != classes:
        raise SixfoldError(f"{override or where}: {len(labels)} labels for {classes} classes; give --labels")
    return _labels_metadata(labels), notes


def _normalization_metadata(normalization: Normalization) -> dict[str, str]:
    return {"sixfold.mean": json.dumps(normalization.mean), "sixfold.std": json.dumps(normalization.std)}


def _labels_metadata(labels: tuple[str, ...]) -> dict[str, str]:
    return {"sixfold.labels": json.dumps(list(labels), ensure_ascii=False)}

"""What a TensorFlow Lite file tells beside its arithmetic: normalisation and labels.

Sixfold's writer stores its metadata as they are, one entry each. Others use TensorFlow Lite's own metadata: a
flatbuffer in the entry TFLITE_METADATA (metadata_schema.fbs, whose field numbers are used here) names normalisation and
files, and the files are a ZIP archive appended to the model.
"""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.backends.litert.writer import GRAPH_HASH, UNWEIGHTED_NAMES
from pipeline.errors import SixfoldError
from pipeline.importers.flatbuffer import Flatbuffer, Table
from pipeline.importers.tflite_file import TfliteFile
from pipeline.preprocess import Normalization

_STANDARD, _IDENTIFIER = "TFLITE_METADATA", b"M001"
_OWN = "sixfold."
#: An entry of ours; the labels of 1000 classes take 30 KiB.
_LARGEST_ENTRY = 2**20
_LARGEST_LABELS = 2**20
_MOST_TABLES = 100
#: Bytes of a ZIP archive's directory: a thousand times what is needed, and little to unpack.
_LARGEST_DIRECTORY = 2**16
_NORMALIZATION_OPTIONS = 1
_AXIS_LABELS, _VALUE_LABELS = 2, 3
_UNPACKING_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)


@dataclass(frozen=True)
class FileMetadata:
    """What was found.

    Attributes:
        own: Sixfold's entries.
        graph_sha256: hash of the graph that Sixfold wrote the file from.
        unweighted_names: of its operators without weights.
        normalization: from TensorFlow Lite's own metadata; one value stands for all channels.
        labels: likewise, a name per class.
    """

    own: Mapping[str, str]
    graph_sha256: str | None
    unweighted_names: tuple[str, ...]
    normalization: Normalization | None
    labels: tuple[str, ...] | None


def read_metadata(file: TfliteFile) -> FileMetadata:
    """Find what is there.

    Raises:
        SixfoldError: it is there and damaged.
    """
    entries = file.metadata(lambda name: name == _STANDARD or name.startswith(_OWN))
    own = {name: _text(file, name, data) for name, data in sorted(entries.items()) if name != _STANDARD}
    sha256, names = own.pop(GRAPH_HASH, None), own.pop(UNWEIGHTED_NAMES, "[]")
    normalization, labels = None, None
    if _STANDARD in entries:
        normalization, labels = _standard(file, entries[_STANDARD])
    return FileMetadata(own, sha256, _names(file, names), normalization, labels)


def split_labels(data: bytes, where: str) -> tuple[str, ...]:
    """The lines of a file of labels, less empty ones at its end.

    Raises:
        SixfoldError: too large, or no UTF-8.
    """
    if len(data) > _LARGEST_LABELS:
        raise SixfoldError(f"{where}: more than {_LARGEST_LABELS} bytes of labels")
    try:
        return tuple(line.strip() for line in data.decode("utf-8-sig").rstrip().splitlines())
    except UnicodeDecodeError as error:
        raise SixfoldError(f"{where}: labels are no UTF-8 text ({error.reason} at byte {error.start})") from error


def _text(file: TfliteFile, name: str, data: bytes) -> str:
    if len(data) > _LARGEST_ENTRY:
        raise SixfoldError(f"{file.where}: metadata {name}: {len(data)} bytes; at most {_LARGEST_ENTRY} are read")
    return data.decode("utf-8", errors="replace")


def _names(file: TfliteFile, text: str) -> tuple[str, ...]:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SixfoldError(f"{file.where}: metadata {UNWEIGHTED_NAMES}: not JSON") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SixfoldError(f"{file.where}: metadata {UNWEIGHTED_NAMES}: not a list of names")
    return tuple(names)


def _standard(file: TfliteFile, data: bytes) -> tuple[Normalization | None, tuple[str, ...] | None]:
    where = f"{file.where}: metadata {_STANDARD}"
    model = Flatbuffer(data, where).root(_IDENTIFIER)
    graphs = model.tables(3, _MOST_TABLES)
    if not graphs:
        return None, None
    inputs, outputs = graphs[0].tables(2, _MOST_TABLES), graphs[0].tables(3, _MOST_TABLES)
    return _normalization(inputs, where), _labels(file, outputs)


def _normalization(inputs: list[Table], where: str) -> Normalization | None:
    """(x - mean) / std of pixels 0..255, as that of pixels scaled to 0..1."""
    for unit in inputs[0].tables(4, _MOST_TABLES) if inputs else ():
        options = unit.table(1)
        if unit.uint8(0) == _NORMALIZATION_OPTIONS and options is not None:
            mean, std = (tuple(float(x) / 255 for x in options.array(field, "<f4")[:4]) for field in (0, 1))
            try:
                return Normalization(mean, std)
            except SixfoldError as error:
                raise SixfoldError(f"{where}: {error}") from error
    return None


def _labels(file: TfliteFile, outputs: list[Table]) -> tuple[str, ...] | None:
    for entry in outputs[0].tables(6, _MOST_TABLES) if outputs else ():
        # Labels in the language of a locale (field 3) translate those without.
        if entry.int8(2) in (_AXIS_LABELS, _VALUE_LABELS) and not entry.text(3):
            return _archived(file, entry.text(0))
    return None


def _archived(file: TfliteFile, name: str) -> tuple[str, ...]:
    """The lines of a file in the archive behind the model."""
    where = f"{file.where}: labels {name!r}"
    _check_directory(file, where)
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            entry = archive.getinfo(name)
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # The others let a file of a few bytes ask for a dictionary of gigabytes.
                raise SixfoldError(f"{where}: neither stored nor deflated")
            with archive.open(entry) as stream:
                data = stream.read(_LARGEST_LABELS + 1)
    except KeyError as error:
        raise SixfoldError(f"{where}: not in the archive that the file ends with") from error
    except _UNPACKING_ERRORS as error:
        raise SixfoldError(f"{where}: cannot be unpacked ({error})".replace("\n", " ")) from error
    return split_labels(data, where)


def _check_directory(file: TfliteFile, where: str) -> None:
    """Refuse an archive whose directory is so large that unpacking it costs many times the file."""
    end = file.data.rfind(b"PK\x05\x06", -(2**16 + 22))
    if end < 0 or end + 22 > len(file.data):
        raise SixfoldError(f"{where}: the file does not end with an archive")
    size = int.from_bytes(file.data[end + 12 : end + 16], "little")
    # A locator of the 64-bit directory stands right before and would overrule the size.
    if size > _LARGEST_DIRECTORY or file.data[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
        raise SixfoldError(f"{where}: the archive's directory has more than {_LARGEST_DIRECTORY} bytes")

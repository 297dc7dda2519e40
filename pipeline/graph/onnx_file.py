"""Opening an ONNX file that may be damaged or hostile."""

from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from pipeline.errors import SixfoldError

#: Protobuf's own limit; a larger file cannot be a valid single-file model.
_LARGEST = 2**31 - 1


def load_onnx(path: Path) -> onnx.ModelProto:
    """Load and check a single-file ONNX model.

    Weights in a second file are refused: they would be read from wherever the model says.

    Raises:
        SixfoldError: missing, truncated, not ONNX, against the ONNX specification, or with external data.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise SixfoldError(f"{path}: larger than 2 GiB; not a single-file ONNX model")
        data = path.read_bytes()
    except OSError as error:
        raise SixfoldError(f"{path}: cannot be read ({error.strerror})") from error
    return parse_onnx(data, str(path))


def parse_onnx(data: bytes, where: str) -> onnx.ModelProto:
    """The same from a file's bytes; `where` names the file in messages."""
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise SixfoldError(f"{where}: not an ONNX file, or truncated ({len(data)} bytes)") from error
    if not all(isinstance(name, str) for name in _names(model)):
        raise SixfoldError(f"{where}: damaged: a name is no UTF-8 text")
    for initializer in model.graph.initializer:
        if initializer.data_location == onnx.TensorProto.EXTERNAL:
            raise SixfoldError(f"{where}: {initializer.name!r} is stored in another file; export as one file")
    try:
        onnx.checker.check_model(model)
        for initializer in model.graph.initializer:
            numpy_helper.to_array(initializer)
    except Exception as error:  # on a damaged file the checker and the decoder raise nearly anything
        reason = _printable(str(error).strip().partition("\n")[0]) or type(error).__name__
        raise SixfoldError(f"{where}: not a valid ONNX model, or truncated ({reason})") from error
    return model


def _names(model: onnx.ModelProto) -> Iterator[object]:
    """Every name of the graph. Protobuf gives bytes where a string is no UTF-8."""
    for node in model.graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    for part in (model.graph.initializer, model.graph.input, model.graph.output):
        yield from (value.name for value in part)
    for entry in model.metadata_props:
        yield from (entry.key, entry.value)


def _printable(text: str) -> str:
    """One line of at most 300 characters: the checker quotes names as the file has them."""
    return "".join(character if character.isprintable() else "?" for character in text[:300])

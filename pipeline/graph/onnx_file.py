"""Opening an ONNX file that may be damaged or hostile."""

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
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise SixfoldError(f"{path}: not an ONNX file, or truncated ({len(data)} bytes)") from error
    for initializer in model.graph.initializer:
        if initializer.data_location == onnx.TensorProto.EXTERNAL:
            raise SixfoldError(f"{path}: {initializer.name!r} is stored in another file; export as one file")
    try:
        onnx.checker.check_model(model)
        for initializer in model.graph.initializer:
            numpy_helper.to_array(initializer)
    except (onnx.checker.ValidationError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SixfoldError(f"{path}: not a valid ONNX model, or truncated ({reason})") from error
    return model

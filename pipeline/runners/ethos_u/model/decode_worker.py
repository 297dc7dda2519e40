"""Runs in Vela's environment: decompresses weight streams with the codec that Vela brings along."""

from typing import Any

import numpy as np
import numpy.typing as npt
from ethosu import mlw_codec

Arrays = dict[str, npt.NDArray[Any]]


def answer(request: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
    """Decode each array of bytes to an array of int16 weights under the same name."""
    del request
    return {}, {
        name: np.array(mlw_codec.decode(bytearray(stream.tobytes())), np.int16) for name, stream in arrays.items()
    }

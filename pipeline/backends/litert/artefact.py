"""The file on which the backend that writes it and the runners that read it agree."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.backends.litert.writer import InputType
from pipeline.graph.ir import Int8Array

ARTEFACT = "model.tflite"

#: int8, or uint8 for a file whose input is that.
Codes: TypeAlias = npt.NDArray[np.int8] | npt.NDArray[np.uint8]


def input_codes(inputs: Int8Array, input_type: InputType) -> Codes:
    """The graph's int8 input codes as a file of `input_type` takes them."""
    return inputs if input_type == "int8" else (inputs.astype(np.int16) + 128).astype(np.uint8)

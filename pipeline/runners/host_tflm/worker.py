"""Runs in the environment of TensorFlow Lite Micro: one interpreter, many images, and the arena that it used."""

import os
import re
import tempfile
from typing import Any

import numpy as np
from tflite_micro.python.tflite_micro import runtime

#: How the recording allocator words what it counted: parts are indented under the total.
_LINE = re.compile(r"\[RecordingMicroAllocator\] (?:Arena allocation (\w+)|'([^']+)' used) (\d+) bytes")


def answer(request: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Run ``arrays["inputs"]``, int8 or uint8 ``(samples, height, width, channels)``.

    Args:
        request: ``arena`` is the number of bytes to offer, ``keep_all`` asks for ``tensors`` by index beside the
            output, of the first image.
        arrays: ``model``, the file's bytes, and ``inputs``.

    Returns:
        ``{"arena": {name: bytes}}`` and the arrays ``outputs``, int8 ``(samples, classes)``, and ``tensor N``.
    """
    model = arrays["model"].tobytes()
    interpreter = _interpreter(model, request["arena"], runtime.InterpreterConfig.kAllocationRecording)
    outputs = []
    for image in arrays["inputs"]:
        interpreter.set_input(image[np.newaxis], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0).reshape(-1))
    found = {"outputs": np.stack(outputs)}
    if request["tensors"]:
        keeping = _interpreter(model, request["arena"], runtime.InterpreterConfig.kPreserveAllTensors)
        keeping.set_input(arrays["inputs"][:1], 0)
        keeping.invoke()
        for index in request["tensors"]:
            found[f"tensor {index}"] = np.array(keeping.GetTensor(index, 0)["tensor_data"])
    return {"arena": _arena(interpreter)}, found


def _interpreter(model: bytes, arena: int, config: runtime.InterpreterConfig) -> runtime.Interpreter:
    return runtime.Interpreter.from_bytes(model, arena_size=arena, intrepreter_config=config)


def _arena(interpreter: runtime.Interpreter) -> dict[str, int]:
    """Bytes by name of what the allocator recorded; it can only print them, from C++, to the standard error."""
    with tempfile.TemporaryFile() as printed:
        kept = os.dup(2)
        try:
            os.dup2(printed.fileno(), 2)
            interpreter.print_allocations()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        printed.seek(0)
        lines = printed.read().decode(errors="replace")
    return {total or part: int(count) for total, part, count in _LINE.findall(lines)}

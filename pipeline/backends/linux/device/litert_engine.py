"""Runs on the board: the network in LiteRT with XNNPACK, on one thread; `run.py` says what an engine is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


class Engine:
    """The network, loaded once."""

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        try:
            import numpy  # noqa: PLC0415 - so that what is missing is one line
        except ImportError as error:
            raise ImportError(_advice(error, description)) from error
        self._numpy = numpy
        self._shape, self._classes = description["input"], description["classes"]
        self._flip = 128 if description["engine"]["input"] == "uint8" else 0
        path = folder / description["engine"]["model"]
        try:
            self._interpreter = _interpreter_class(description)(model_path=str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise RuntimeError(f"{path}: LiteRT cannot load it ({reason})") from error
        (source,), (result,) = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._source, self._type, self._result = source["index"], source["dtype"], result["index"]

    def infer(self, images: bytes) -> bytes:
        """See :class:`Runtime` in `run.py`; likewise `times`."""
        return b"".join(self._run(image) for image in self._inputs(images))

    def times(self, images: bytes, warm_up: int, repeats: int) -> list[float]:
        inputs = self._inputs(images)
        taken = []
        for i in range(warm_up + repeats):
            start = time.perf_counter()
            self._interpreter.set_tensor(self._source, inputs[i % len(inputs)])
            self._interpreter.invoke()
            self._interpreter.get_tensor(self._result)
            taken.append((time.perf_counter() - start) * 1e3)
        return taken[warm_up:]

    def _inputs(self, images: bytes) -> list[Any]:
        """Each image as the file takes it; a uint8 file's codes are larger by 128, which is the sign bit flipped."""
        height, width, channels = self._shape
        size = height * width * channels
        if not images or len(images) % size:
            raise ValueError(f"{len(images)} bytes are no multiple of an image's {size}")
        codes = self._numpy.frombuffer(images, self._numpy.uint8) ^ self._flip
        return list(codes.view(self._type).reshape(-1, 1, height, width, channels))

    def _run(self, image: Any) -> bytes:
        self._interpreter.set_tensor(self._source, image)
        self._interpreter.invoke()
        codes = self._interpreter.get_tensor(self._result)
        if codes.size != self._classes:
            raise RuntimeError(f"the model has {codes.size} classes, the description says {self._classes}")
        return bytes(codes.tobytes())


def _interpreter_class(description: dict[str, Any]) -> Any:
    """That of LiteRT; or of TensorFlow Lite, as it was called before, which many boards have."""
    try:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - whichever is installed
    except ImportError as missing:
        try:
            from tflite_runtime.interpreter import Interpreter  # noqa: PLC0415
        except ImportError:
            raise ImportError(_advice(missing, description)) from missing
    return Interpreter


def _advice(error: ImportError, description: dict[str, Any]) -> str:
    return f"{error}; install it here: python3 -m pip install {' '.join(description['engine']['requirements'])}"

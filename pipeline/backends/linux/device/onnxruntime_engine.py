"""Runs on the board: the network in ONNX Runtime, on one thread; `run.py` says what an engine is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


class Engine:
    """The network, loaded once."""

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        try:
            import numpy  # noqa: PLC0415 - so that what is missing is one line
            import onnxruntime  # noqa: PLC0415
        except ImportError as error:
            wanted = " ".join(description["engine"]["requirements"])
            raise ImportError(f"{error}; install it here: python3 -m pip install {wanted}") from error
        self._numpy = numpy
        self._shape, self._classes = description["input"], description["classes"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        path = str(folder / description["engine"]["model"])
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's exceptions have no common base of their own
            raise RuntimeError(f"{path}: ONNX Runtime cannot load it ({str(error).splitlines()[0]})") from error
        self._name = self._session.get_inputs()[0].name

    def infer(self, images: bytes) -> bytes:
        """See :class:`Runtime` in `run.py`; likewise `times`."""
        return b"".join(self._run(image) for image in self._inputs(images))

    def times(self, images: bytes, warm_up: int, repeats: int) -> list[float]:
        inputs = self._inputs(images)
        taken = []
        for i in range(warm_up + repeats):
            start = time.perf_counter()
            self._session.run(None, {self._name: inputs[i % len(inputs)]})
            taken.append((time.perf_counter() - start) * 1e3)
        return taken[warm_up:]

    def _inputs(self, images: bytes) -> list[Any]:
        """Each image as the uint8 twin takes it: codes larger by 128, which is the sign bit flipped, channels first."""
        height, width, channels = self._shape
        size = height * width * channels
        if not images or len(images) % size:
            raise ValueError(f"{len(images)} bytes are no multiple of an image's {size}")
        codes = self._numpy.frombuffer(images, self._numpy.uint8) ^ 128
        planar = codes.reshape(-1, 1, height, width, channels).transpose(0, 1, 4, 2, 3)
        return [self._numpy.ascontiguousarray(image) for image in planar]

    def _run(self, image: Any) -> bytes:
        codes = self._session.run(None, {self._name: image})[0]
        if codes.size != self._classes:
            raise RuntimeError(f"the model has {codes.size} classes, the description says {self._classes}")
        return bytes((codes ^ 128).tobytes())

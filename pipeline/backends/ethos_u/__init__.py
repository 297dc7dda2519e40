"""Arm Ethos-U: the integer graph as a ``.tflite`` file, compiled by Vela into the NPU's command stream."""

from pipeline.backends.ethos_u.compiler import ARTEFACT, ESTIMATE, SOURCE, compile_graph

__all__ = ["ARTEFACT", "ESTIMATE", "SOURCE", "compile_graph"]

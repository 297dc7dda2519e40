"""A C++ project for TensorFlow Lite Micro: the model, its operators, its arena, pixels in, probabilities out."""

from pipeline.exports.tflm.project import write_project

__all__ = ["write_project"]

"""Sixfold: MobileNetV2 from PyTorch to a microcontroller, one integer graph, verified bit for bit."""

__version__ = "0.1.0"

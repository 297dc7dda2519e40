"""Executed instructions of an inference on 64-bit Arm, under emulation: TVM, ONNX Runtime and LiteRT side by side."""

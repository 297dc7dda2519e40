"""The commands' arguments, one module each, and nothing else.

A module offers `command`, which Typer reads, and `EXAMPLES`, lines for a shell. The first line of the function's
docstring is what `sixfold --help` shows of it. What it calls is imported inside: torch, onnx and matplotlib would
make `sixfold --help` wait for seconds.
"""

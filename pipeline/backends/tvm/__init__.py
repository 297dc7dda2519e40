"""TVM: the graph as Relax with kernels of our own in TIR, compiled for x86 or the Cortex-A of a Raspberry Pi."""

from pipeline.backends.tvm.compiler import compile_graph

__all__ = ["compile_graph"]

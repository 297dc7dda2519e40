"""Bare-metal Cortex-M: the graph as C data, our kernels, a static memory plan and one ELF file."""

from pipeline.backends.cortex_m.compiler import compile_graph

__all__ = ["compile_graph"]

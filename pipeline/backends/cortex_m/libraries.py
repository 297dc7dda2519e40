"""What the code generator must know about each kernel library in `firmware/kernels`."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.graph.ir import Conv2D, IntegerGraph, Operator, Padding


@dataclass(frozen=True)
class KernelLibrary:
    """One implementation of `firmware/include/sixfold/kernels.h`.

    Attributes:
        name: its folder in `firmware/kernels`.
        scratch_bytes: what an operator needs beside its input and output; equal to the C functions
            `sixfold_*_scratch_bytes` of the same library.
    """

    name: str
    scratch_bytes: Callable[[IntegerGraph, Operator], int]


def has_padding(operator: Operator) -> bool:
    """Whether any tap of a weighted operator may fall outside its input."""
    return getattr(operator, "padding", Padding()) != Padding()


def _portable_scratch(graph: IntegerGraph, operator: Operator) -> int:
    """Two gathered windows unless the pixels can be read in place, and the bias folded at run time if padded."""
    if not isinstance(operator, Conv2D):
        return 0
    source, result = graph.tensors[operator.input], graph.tensors[operator.output]
    channels, height, width, depth = operator.weight.shape
    in_place = (
        (height, width) == operator.stride == (1, 1)
        and (operator.padding.top, operator.padding.left) == (0, 0)
        and source.shape[:2] == result.shape[:2]
    )
    windows = 0 if in_place else 2 * height * width * depth
    folds = has_padding(operator) and source.zero_point != 0
    return windows + (4 * channels if folds else 0)


PORTABLE = KernelLibrary("portable", _portable_scratch)

"""Our own kernels in plain C, for every core and every shape."""

from pipeline.backends.cortex_m.kernel import Kernel, KernelLibrary
from pipeline.backends.cortex_m.overlap import window_lead
from pipeline.backends.cortex_m.windows import has_padding, reads_pixels_in_place
from pipeline.graph.ir import Add, Conv2D, DepthwiseConv2D, FullyConnected, GlobalAveragePool, IntegerGraph, Operator

_FUNCTIONS = {
    Conv2D: "sixfold_conv2d",
    DepthwiseConv2D: "sixfold_depthwise_conv2d",
    FullyConnected: "sixfold_fully_connected",
    Add: "sixfold_add",
    GlobalAveragePool: "sixfold_global_average_pool",
}


def portable_kernel(graph: IntegerGraph, operator: Operator) -> Kernel:
    """The portable function for an operator, of which there is exactly one."""
    scratch = _conv2d_scratch(graph, operator) if isinstance(operator, Conv2D) else 0
    return Kernel(_FUNCTIONS[type(operator)], scratch, _leads(graph, operator))


def _leads(graph: IntegerGraph, operator: Operator) -> tuple[int | None, ...]:
    """What `sixfold/kernels.h` promises about the order of reads and writes."""
    match operator:
        case Conv2D():
            return (window_lead(graph, operator, 2, gathers=not reads_pixels_in_place(graph, operator)),)
        case DepthwiseConv2D():
            return (window_lead(graph, operator, 1, gathers=False),)
        case Add():
            return (0, 0)
        case FullyConnected() | GlobalAveragePool():
            return (None,)


def _conv2d_scratch(graph: IntegerGraph, operator: Conv2D) -> int:
    """Two gathered windows unless the pixels can be read in place, and the bias folded at run time if padded."""
    channels, height, width, depth = operator.weight.shape
    windows = 0 if reads_pixels_in_place(graph, operator) else 2 * height * width * depth
    folds = has_padding(operator) and graph.tensors[operator.input].zero_point != 0
    return windows + (4 * channels if folds else 0)


PORTABLE = KernelLibrary("portable", None, portable_kernel)

"""Which CMSIS-NN function computes an operator on a core, and the scratch that it needs there.

The sizes are CMSIS-NN's own ``*_get_buffer_size`` functions (``Source/*/*_get_buffer_sizes_s8.c``); the adapters in
`firmware/kernels/cmsis-nn` call those functions and refuse a layer that was planned with less.
"""

from functools import partial

from pipeline.backends.cortex_m.kernel import Kernel, KernelLibrary, Simd
from pipeline.backends.cortex_m.overlap import window_lead
from pipeline.backends.cortex_m.portable import portable_kernel
from pipeline.backends.cortex_m.windows import last_window, reads_pixels_in_place, window_size
from pipeline.graph.ir import Add, Conv2D, DepthwiseConv2D, FullyConnected, GlobalAveragePool, IntegerGraph, Operator

#: Channels that the Helium depthwise kernel gathers at a time (CH_IN_BLOCK_MVE).
_MVE_CHANNELS = 124
#: arm_convolve_s8 keeps extents in uint16_t, and counts a window's bytes by fours in one.
_MOST_EXTENT = 65535
#: Up to here our 1x1 convolution takes fewer instructions than CMSIS-NN's without Helium, and it can work in place.
_FEW_CHANNELS = 8


def cmsis_nn(simd: Simd) -> KernelLibrary:
    """CMSIS-NN on a core with these vector instructions."""
    return KernelLibrary("cmsis-nn", "sixfold/cmsis_nn.h", partial(_choose, simd))


def _choose(simd: Simd, graph: IntegerGraph, operator: Operator) -> Kernel:
    match operator:
        case Conv2D() if reads_pixels_in_place(graph, operator):
            return _convolve_1x1(simd, graph, operator)
        case Conv2D():
            return _convolve(simd, graph, operator)
        case DepthwiseConv2D():
            return _depthwise(simd, graph, operator)
        case FullyConnected():
            return Kernel("sixfold_cmsis_nn_fully_connected", linked=_matrix_product(simd))
        case Add() | GlobalAveragePool():
            return _HELIUM[type(operator)] if simd == "mve" else portable_kernel(graph, operator)


#: Without Helium, CMSIS-NN's functions for these take as many instructions as ours or more (docs/cortex-m.md).
_HELIUM = {
    Add: Kernel("sixfold_cmsis_nn_add", leads=(0, 0), linked={"arm_elementwise_add_s8": "vqrdmulh"}),
    GlobalAveragePool: Kernel("sixfold_cmsis_nn_global_average_pool", linked={"arm_avgpool_s8": "vadd"}),
}
#: Multiply-accumulate instructions of the inner loops.
_PRODUCTS: dict[Simd, str | None] = {"none": None, "dsp": "smlad", "mve": "vmladav"}


def _matrix_product(simd: Simd) -> dict[str, str | None]:
    return {"arm_convolve_1x1_s8_fast": None, "arm_nn_mat_mult_nt_t_s8": _PRODUCTS[simd]}


def _convolve_1x1(simd: Simd, graph: IntegerGraph, operator: Conv2D) -> Kernel:
    if simd != "mve" and operator.weight.shape[3] <= _FEW_CHANNELS:
        return portable_kernel(graph, operator)
    # Without Helium it goes through all pixels once for every two output channels.
    lead = window_lead(graph, operator, 4, gathers=False) if simd == "mve" else None
    return Kernel("sixfold_cmsis_nn_convolve_1x1", 0, (lead,), _matrix_product(simd))


def _convolve(simd: Simd, graph: IntegerGraph, operator: Conv2D) -> Kernel:
    rows, columns = window_size(operator)
    taps = rows * columns * operator.weight.shape[3]
    shapes = (graph.tensors[operator.input].shape, graph.tensors[operator.output].shape)
    if max(*shapes[0], *shapes[1], rows, columns, -(-taps // 4)) > _MOST_EXTENT:
        return portable_kernel(graph, operator)
    if simd == "mve":
        together, scratch, product = 4, 4 * 8 * -(-taps // 8), "arm_nn_mat_mult_nt_t_s8"
    else:
        together, scratch, product = 2, 2 * 2 * 4 * -(-taps // 4), "arm_nn_mat_mult_kernel_s8_s16"
    lead = window_lead(graph, operator, together, gathers=True)
    linked = {"arm_convolve_s8": None, product: _PRODUCTS[simd]}
    return Kernel("sixfold_cmsis_nn_convolve", scratch, (lead,), linked)


def _depthwise(simd: Simd, graph: IntegerGraph, operator: DepthwiseConv2D) -> Kernel:
    rows, columns = window_size(operator)
    height, width, channels = graph.tensors[operator.input].shape
    last_row, last_column = last_window(graph, operator)
    if simd != "mve" and (rows, columns) == (3, 3) and max(operator.padding.top, operator.padding.left) <= 1:
        # The kernel reads the middle column of every window without looking.
        if last_column + 1 < width:
            products = {"none": None, "dsp": "smlabb"}[simd]
            lead = window_lead(graph, operator, 1, gathers=False)
            return Kernel("sixfold_cmsis_nn_depthwise_3x3", 0, (lead,), {"arm_depthwise_conv_3x3_s8": products})
    elif simd != "none" and operator.padding.top < rows and last_row < height:
        if simd == "mve":
            # Block by block of channels, each through the whole image.
            leads = (window_lead(graph, operator, 4, gathers=True),) if channels <= _MVE_CHANNELS else ()
            gathers = {"arm_depthwise_conv_s8_opt": None, "arm_nn_depthwise_conv_nt_t_s8": "vmul"}
            return Kernel("sixfold_cmsis_nn_depthwise", 4 * _MVE_CHANNELS * rows * columns, leads, gathers)
        lead = window_lead(graph, operator, 1, gathers=True)
        scratch = 2 * channels * rows * columns
        return Kernel("sixfold_cmsis_nn_depthwise", scratch, (lead,), {"arm_depthwise_conv_s8_opt": "smlad"})
    return portable_kernel(graph, operator)

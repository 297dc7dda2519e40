"""How many bytes the interpreter's arena needs on a 32-bit microcontroller, from what it used on this computer.

* What the interpreter took here, its own objects included, is counted by its recording allocator. Activations need the
  same bytes everywhere; its objects are structures of pointers and integers, and smaller where a pointer has 4 bytes.
  So the count is a bound for the portable kernels on any 32-bit core.
* Kernels of CMSIS-NN ask for a scratch buffer besides, one at a time, and keep sums of the classifier's weights. The
  bounds are those of its ``arm_*_get_buffer_size`` functions, the larger of the DSP and the Helium form.
"""

from dataclasses import dataclass

from pipeline.graph.ir import Add, Conv2D, DepthwiseConv2D, FullyConnected, GlobalAveragePool, IntegerGraph, Operator

_STEP = 1024
#: Channels that Helium's depthwise kernel takes at a time.
_HELIUM_CHANNELS = 124
#: Alignment of each of the few buffers.
_ALIGNMENT = 16 * 4


@dataclass(frozen=True)
class Arena:
    """Bytes of the arena and their origin.

    Attributes:
        measured: that the portable kernels' interpreter used on this 64-bit computer.
        activations: of these, for tensors.
        scratch: bound on what CMSIS-NN's kernels ask for besides.
    """

    measured: int
    activations: int
    scratch: int

    @property
    def size(self) -> int:
        """What to reserve: a multiple of 1 KiB."""
        return -(-(self.measured + self.scratch) // _STEP) * _STEP


def scratch_bound(graph: IntegerGraph, kernel_padding: bool) -> int:
    """Bytes that CMSIS-NN's kernels may ask for beside the activations.

    Args:
        graph: the integer graph.
        kernel_padding: kernels may have one more row and column than the graph's, in place of a PAD operator.
    """
    border = int(kernel_padding)
    largest = max(_scratch(graph, operator, border) for operator in graph.operators)
    sums = sum(4 * len(operator.bias) for operator in graph.operators if isinstance(operator, FullyConnected))
    return largest + sums + _ALIGNMENT


def _scratch(graph: IntegerGraph, operator: Operator, border: int) -> int:
    match operator:
        case Conv2D():
            _, rows, columns, channels = (int(side) for side in operator.weight.shape)
            taps = (rows + border) * (columns + border) if (rows, columns) != (1, 1) else 1
            # Two columns of int16, or four of int8.
            return 4 * (taps * channels + 8)
        case DepthwiseConv2D():
            rows, columns, channels = (int(side) for side in operator.weight.shape)
            taps = (rows + border) * (columns + border)
            return max(2 * channels, 4 * _HELIUM_CHANNELS) * taps
        case FullyConnected():
            return 4 * (int(operator.weight.shape[1]) + 8)
        case GlobalAveragePool():
            return 4 * graph.tensors[operator.input].shape[2]
        case Add():
            return 0

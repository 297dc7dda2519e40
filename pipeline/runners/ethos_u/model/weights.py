"""The order in which weights reach the NPU.

The compiler stores them as the multiplier array takes them: by block of output channels, by block of input channels,
by kernel element, by micro-block of channels, with zeros where a micro-block is not full. The stream is also
compressed; `decode_worker.py` undoes that with Arm's own codec.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.errors import SixfoldError

# Input and output channels of a micro-block, for every member of the family from 64 multiply-adds a cycle.
_MICRO_BLOCK = 8
# Kernel elements that are multiplied together.
_ELEMENTS_AT_ONCE = 4
_IFM_BLOCK, _IFM_BLOCK_PART_KERNEL = 32, 16


@dataclass(frozen=True)
class WeightLayout:
    """What decides the order.

    Attributes:
        kernel: height, width; at most 8 each.
        inputs: channels, 1 for a depthwise convolution.
        outputs: channels of this command.
        block: output channels of a block.
        part_kernel: whether kernel elements come before input channels.
    """

    kernel: tuple[int, int]
    inputs: int
    outputs: int
    block: int
    depthwise: bool
    part_kernel: bool


def arrange(stream: npt.NDArray[np.int16], layout: WeightLayout) -> npt.NDArray[np.int16]:
    """Undo the order.

    Args:
        stream: decoded weights as the NPU takes them.
        layout: how they were laid out.

    Returns:
        ``(outputs, kernel height, kernel width, inputs)``.

    Raises:
        SixfoldError: the stream has another length, or a weight other than zero where there is no channel.
    """
    output, element, source = _order(layout)
    if len(stream) < len(output):
        raise SixfoldError(f"weights: {len(stream)} in the stream, {len(output)} expected")
    elements = layout.kernel[0] * layout.kernel[1]
    real = (output < layout.outputs) & (element < elements) & (source < layout.inputs)
    taken = stream[: len(output)]
    if taken[~real].any() or stream[len(output) :].any():
        raise SixfoldError("weights: the stream is not in the order that is modelled")
    arranged = np.zeros((layout.outputs, elements, layout.inputs), np.int16)
    arranged[output[real], element[real], source[real]] = taken[real]
    return arranged.reshape(layout.outputs, *layout.kernel, layout.inputs)


def _order(layout: WeightLayout) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Output channel, kernel element and input channel of each weight of the stream."""
    elements = layout.kernel[0] * layout.kernel[1]
    if layout.depthwise or layout.part_kernel:
        elements = _round_up(elements, _ELEMENTS_AT_ONCE)
    ifm_block = _IFM_BLOCK_PART_KERNEL if layout.part_kernel else _IFM_BLOCK
    inputs = 1 if layout.depthwise else layout.inputs
    parts = []
    for first_output in range(0, layout.outputs, layout.block):
        outputs = _round_up(min(layout.block, layout.outputs - first_output), _MICRO_BLOCK)
        for first_input in range(0, inputs, ifm_block):
            # Kernel elements first: as many micro-blocks as there are channels; channels first: always a whole block.
            depth = min(ifm_block, _round_up(inputs - first_input, _MICRO_BLOCK)) if layout.part_kernel else ifm_block
            depth = 1 if layout.depthwise else depth
            lanes = 1 if layout.depthwise else _MICRO_BLOCK
            # Axes, slowest first: micro-block of outputs, element, micro-block of inputs, output, input.
            axes = np.indices((outputs // _MICRO_BLOCK, elements, depth // lanes, _MICRO_BLOCK, lanes))
            if layout.part_kernel:  # the micro-block of inputs is slowest instead
                axes = axes.transpose(0, 3, 1, 2, 4, 5)
            output = first_output + axes[0] * _MICRO_BLOCK + axes[3]
            source = first_input + axes[2] * lanes + axes[4]
            parts.append((output.ravel(), axes[1].ravel(), source.ravel()))
    output, element, source = (np.concatenate(column) for column in zip(*parts, strict=True))
    return output, element, source


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step

"""Where the windows of a convolution lie on its input."""

from pipeline.graph.ir import Conv2D, DepthwiseConv2D, IntegerGraph, Operator, Padding


def has_padding(operator: Operator) -> bool:
    """Whether any tap of a weighted operator may fall outside its input."""
    return getattr(operator, "padding", Padding()) != Padding()


def window_size(operator: Conv2D | DepthwiseConv2D) -> tuple[int, int]:
    """Rows and columns of the window."""
    shape = operator.weight.shape[1:3] if isinstance(operator, Conv2D) else operator.weight.shape[:2]
    return shape[0], shape[1]


def reads_pixels_in_place(graph: IntegerGraph, operator: Conv2D) -> bool:
    """Whether output pixel i reads input pixel i and nothing else."""
    source, result = graph.tensors[operator.input], graph.tensors[operator.output]
    return (
        window_size(operator) == operator.stride == (1, 1)
        and (operator.padding.top, operator.padding.left) == (0, 0)
        and source.shape[:2] == result.shape[:2]
    )


def last_window(graph: IntegerGraph, operator: Conv2D | DepthwiseConv2D) -> tuple[int, int]:
    """First row and first column of the input under the last window; either may be negative."""
    height, width, _ = graph.tensors[operator.output].shape
    return (
        (height - 1) * operator.stride[0] - operator.padding.top,
        (width - 1) * operator.stride[1] - operator.padding.left,
    )

"""What TensorFlow Lite's SAME pads, and kernels with a border of zeros that make it pad what a graph wants."""

from pipeline.graph.ir import Padding


def same_padding(size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int]) -> Padding:
    """What SAME means: as many output rows as steps begin in the input, the odd row or column at the end.

    Args:
        size: height and width of the input.
        kernel: height and width.
        stride: vertical, horizontal.
    """
    (top, bottom), (left, right) = (_same(*axis) for axis in zip(size, kernel, stride, strict=True))
    return Padding(top, left, bottom, right)


def zero_border(
    size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], padding: Padding
) -> Padding | None:
    """Rows and columns of zeros around a kernel with which SAME reads what `padding` lets the kernel itself read.

    A zero weight adds nothing whatever it meets, so the result is the same to the bit. At stride 2 on an even size, a
    3x3 kernel padded by 1 becomes 4x4 with zeros below and to the right.

    Returns:
        The least border, or None where there is none: where the outputs are not one for each step within the input.
    """
    vertical = _border(size[0], kernel[0], stride[0], (padding.top, padding.bottom))
    horizontal = _border(size[1], kernel[1], stride[1], (padding.left, padding.right))
    if vertical is None or horizontal is None:
        return None
    return Padding(vertical[0], horizontal[0], vertical[1], horizontal[1])


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    steps = -(-size // stride)
    total = max((steps - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _border(size: int, kernel: int, stride: int, padding: tuple[int, int]) -> tuple[int, int] | None:
    before, after = padding
    if (size + before + after - kernel) // stride + 1 != -(-size // stride):
        return None
    # SAME's padding grows by one row, at the end first, with each row of the kernel: two rows move the start by one,
    # so a kernel larger by more than twice the padding and the stride has been passed.
    for added in range(2 * (before + kernel + stride)):
        first = _same(size, kernel + added, stride)[0] - before
        if 0 <= first <= added:
            return first, added - first
    return None

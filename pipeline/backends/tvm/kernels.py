"""The operators as TIR functions, specialised to their shapes.

Every function takes flat buffers, so that all index arithmetic is here to read. What must become straight code (tiles
in registers, taps of a window, tails) is a Python loop; what must stay a loop is TIR's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tvm.script.ir_builder import IRBuilder
from tvm.script.ir_builder import tirx as T

from pipeline.backends.tvm.isa import GROUP, Buffer, Expression, InstructionSet
from pipeline.backends.tvm.schedule import Schedule
from pipeline.backends.tvm.storage import Storage
from pipeline.graph.ir import Padding


@dataclass(frozen=True)
class Window:
    """Kernel extent, stride ``(vertical, horizontal)`` and padding of a convolution."""

    rows: int
    columns: int
    stride: tuple[int, int]
    padding: Padding


@dataclass(frozen=True)
class Addition:
    """A residual addition right behind a convolution; it rounds after the convolution has, as the graph says.

    Attributes:
        other: storage of the operand that is not the convolution's output.
        convolution_ratio: scale of the convolution's output over the sum's scale; likewise `other_ratio`.
        constant: the zero points gathered (:func:`pipeline.graph.float_requantization.add`).
        convolution_last: which operand the second fused multiply-add takes, which decides the last bit.
        zero_point: of the convolution's own output.
    """

    other: Storage
    convolution_ratio: float
    other_ratio: float
    constant: float
    convolution_last: bool
    zero_point: int


def import_image(isa: InstructionSet, source: Storage) -> Any:
    """The network's input, dense int8 ``(height, width, channels)``, to its storage."""
    dense_row = source.width * source.channels

    def body(image: Buffer, output: Buffer) -> None:
        _fill_border(isa, source, output)
        with T.serial(source.height) as y:
            if source.pixel == source.channels:
                with T.vectorized(dense_row) as i:
                    value = T.cast(image[y * dense_row + i], "int32") + isa.offset
                    T.buffer_store(output, T.cast(value, isa.activations), [source.origin + y * source.row + i])
            else:
                with T.serial(source.width) as x, T.serial(source.channels) as c:
                    value = T.cast(image[y * dense_row + x * source.channels + c], "int32") + isa.offset
                    at = source.origin + y * source.row + x * source.pixel + c
                    T.buffer_store(output, T.cast(value, isa.activations), [at])

    dense = source.height * dense_row
    return _function({"image": (dense, "int8"), "output": (source.size, isa.activations)}, body)


def export_scores(isa: InstructionSet, source: Storage) -> Any:
    """The network's output ``(1, 1, classes)`` from its storage to dense int8."""

    def body(scores: Buffer, output: Buffer) -> None:
        with T.serial(source.channels) as c:
            value = T.cast(scores[source.origin + c], "int32") - isa.offset
            T.buffer_store(output, T.cast(value, "int8"), [c])

    return _function({"scores": (source.size, isa.activations), "output": (source.channels, "int8")}, body)


def convolution(
    isa: InstructionSet,
    window: Window,
    source: Storage,
    result: Storage,
    schedule: Schedule,
    addition: Addition | None = None,
) -> Any:
    """Convolution over all channels, requantised, with an addition behind it if wanted.

    The window's rows are contiguous in memory, and so is a 1x1 window over pixels without a border: such a tensor is
    taken as one long row.

    Parameters of the function: input, [other operand,] packed weights, bias with the zero point folded in, factor per
    output channel, output.
    """
    groups_in_row = -(-window.columns * source.pixel // GROUP)
    groups = window.rows * groups_in_row
    step = GROUP * isa.lanes  # elements of packed weights that one step takes
    blocks = result.pixel // isa.lanes
    lines, width = result.height, result.width
    if is_flat(window, source, result, addition):
        lines, width = 1, result.height * result.width

    def tile(buffers: Mapping[str, Buffer], y: Expression, x: Expression, block: Expression, shape: Schedule) -> None:
        source_at = (y * window.stride[0] + source.border.top - window.padding.top) * source.row + (
            x * window.stride[1] + source.border.left - window.padding.left
        ) * source.pixel
        cells = [(pixel, wide) for pixel in range(shape.pixels) for wide in range(shape.blocks)]
        totals = T.alloc_buffer((len(cells) * isa.lanes,), "int32", scope="local")

        def cell(position: int) -> Any:
            return T.ramp(position * isa.lanes, 1, isa.lanes)

        for position, (_, wide) in enumerate(cells):
            T.buffer_store(totals, buffers["bias"][_vector((block + wide) * isa.lanes, isa.lanes)], [cell(position)])
        for row in range(window.rows):
            with T.serial(groups_in_row) as group:
                for position, (pixel, wide) in enumerate(cells):
                    x_at = source_at + row * source.row + pixel * window.stride[1] * source.pixel + group * GROUP
                    w_at = ((block + wide) * groups + row * groups_in_row + group) * step
                    total = isa.dot(totals[cell(position)], buffers["input"], x_at, buffers["weights"], w_at)
                    T.buffer_store(totals, total, [cell(position)])
        for position, (pixel, wide) in enumerate(cells):
            channel = (block + wide) * isa.lanes
            codes = _codes(isa, totals[cell(position)], buffers["factor"], channel, addition or result)
            if addition is not None:
                other = addition.other
                other_at = other.origin + y * other.row + (x + pixel) * other.pixel + channel
                codes = _add(isa, addition, codes, buffers["other"][_vector(other_at, isa.lanes)], result)
            _store(isa, buffers["output"], result.origin + y * result.row + (x + pixel) * result.pixel + channel, codes)

    def body(*arguments: Buffer) -> None:
        buffers = dict(zip(parameters, arguments, strict=True))
        _fill_border(isa, result, buffers["output"])

        def over_pixels(y: Expression, block: Expression, wide: int) -> None:
            _tiled(width, schedule.pixels, lambda x, pixels: tile(buffers, y, x, block, Schedule(pixels, wide)))

        if schedule.order == "pixels":
            with T.serial(lines) as y:
                _tiled(
                    width,
                    schedule.pixels,
                    lambda x, pixels: _tiled(
                        blocks,
                        schedule.blocks,
                        lambda block, wide: tile(buffers, y, x, block, Schedule(pixels, wide)),
                    ),
                )
        else:

            def over_lines(block: Expression, wide: int) -> None:
                with T.serial(lines) as y:
                    over_pixels(y, block, wide)

            _tiled(blocks, schedule.blocks, over_lines)

    parameters: dict[str, tuple[int, str]] = {"input": (source.size, isa.activations)}
    if addition is not None:
        parameters["other"] = (addition.other.size, isa.activations)
    parameters |= {
        "weights": (blocks * groups * step, isa.weights),
        "bias": (result.pixel, "int32"),
        "factor": (result.pixel, "float32"),
        "output": (result.size, isa.activations),
    }
    return _function(parameters, body)


def depthwise_convolution(
    isa: InstructionSet, window: Window, source: Storage, result: Storage, schedule: Schedule
) -> Any:
    """Convolution of each channel alone, vectors across channels, a row of `schedule.pixels` outputs at a time.

    Parameters of the function: input, weights int16 ``(taps, channels)``, bias, factor, output.
    """
    lanes = isa.lanes
    wide_type = f"int32x{lanes}"

    def tile(buffers: Mapping[str, Buffer], y: Expression, x: Expression, channel: Expression, pixels: int) -> None:
        source_at = (
            (y * window.stride[0] + source.border.top - window.padding.top) * source.row
            + (x * window.stride[1] + source.border.left - window.padding.left) * source.pixel
            + channel
        )
        totals = [buffers["bias"][_vector(channel, lanes)]] * pixels
        for row in range(window.rows):
            for column in range(window.columns):
                tap = row * window.columns + column
                weight = T.cast(buffers["weights"][_vector(tap * result.pixel + channel, lanes)], wide_type)
                for pixel in range(pixels):
                    at = source_at + row * source.row + (pixel * window.stride[1] + column) * source.pixel
                    totals[pixel] = totals[pixel] + T.cast(buffers["input"][_vector(at, lanes)], wide_type) * weight
        for pixel, total in enumerate(totals):
            codes = _codes(isa, total, buffers["factor"], channel, result)
            _store(isa, buffers["output"], result.origin + y * result.row + (x + pixel) * result.pixel + channel, codes)

    def body(*arguments: Buffer) -> None:
        buffers = dict(zip(parameters, arguments, strict=True))
        _fill_border(isa, result, buffers["output"])
        with T.serial(result.height) as y, T.serial(result.pixel // lanes) as block:
            _tiled(
                result.width,
                schedule.pixels,
                lambda x, pixels: tile(buffers, y, x, block * lanes, pixels),
            )

    parameters = {
        "input": (source.size, isa.activations),
        "weights": (window.rows * window.columns * result.pixel, "int16"),
        "bias": (result.pixel, "int32"),
        "factor": (result.pixel, "float32"),
        "output": (result.size, isa.activations),
    }
    return _function(parameters, body)


def global_average_pool(isa: InstructionSet, source: Storage, result: Storage, factor: float) -> Any:
    """Mean over height and width."""
    lanes = isa.lanes
    count = source.height * source.width
    bias = -count * (source.zero_point + isa.offset)

    def body(values: Buffer, output: Buffer) -> None:
        _fill_border(isa, result, output)
        with T.serial(result.pixel // lanes) as block:
            total = T.alloc_buffer((lanes,), "int32", scope="local")
            here = T.ramp(0, 1, lanes)
            T.buffer_store(total, T.broadcast(bias, lanes), [here])
            with T.serial(source.height) as y, T.serial(source.width) as x:
                at = source.origin + y * source.row + x * source.pixel + block * lanes
                T.buffer_store(total, total[here] + T.cast(values[_vector(at, lanes)], f"int32x{lanes}"), [here])
            scaled = T.cast(total[here], f"float32x{lanes}") * T.broadcast(T.float32(factor), lanes)
            codes = _rounded(isa, scaled, result.zero_point)
            _store(isa, output, result.origin + block * lanes, codes)

    return _function({"input": (source.size, isa.activations), "output": (result.size, isa.activations)}, body)


def addition(isa: InstructionSet, left: Storage, result: Storage, fused: Addition) -> Any:
    """An addition that follows no convolution; `fused` describes it with the left operand as the convolution's."""
    lanes = isa.lanes

    def body(left_values: Buffer, right_values: Buffer, output: Buffer) -> None:
        _fill_border(isa, result, output)
        right = fused.other
        with T.serial(result.height) as y, T.serial(result.width) as x, T.serial(result.pixel // lanes) as block:
            codes = T.cast(
                left_values[_vector(left.origin + y * left.row + x * left.pixel + block * lanes, lanes)],
                f"float32x{lanes}",
            )
            other = right_values[_vector(right.origin + y * right.row + x * right.pixel + block * lanes, lanes)]
            total = _add(isa, fused, codes, other, result)
            _store(isa, output, result.origin + y * result.row + x * result.pixel + block * lanes, total)

    return _function(
        {
            "left": (left.size, isa.activations),
            "right": (fused.other.size, isa.activations),
            "output": (result.size, isa.activations),
        },
        body,
    )


def _function(parameters: Mapping[str, tuple[int, str]], body: Callable[..., None]) -> Any:
    """A TIR function with flat buffers, name to number of elements and type, none of which overlap."""
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_attr({"tirx.noalias": True})
        handles = [T.arg(name, T.handle()) for name in parameters]
        buffers = [T.match_buffer(h, (n,), t) for h, (n, t) in zip(handles, parameters.values(), strict=True)]
        with T.sblock("root"):
            T.reads([])
            T.writes([])
            body(*buffers)
    return builder.get()


def _tiled(extent: int, size: int, emit: Callable[[Expression, int], None]) -> None:
    """Call `emit` with the start and the length of every tile: a loop over the whole ones, then what is left."""
    whole, rest = divmod(extent, size)
    if whole == 1:
        emit(0, size)
    elif whole:
        with T.serial(whole) as tile:
            emit(tile * size, size)
    if rest:
        emit(whole * size, rest)


def _vector(start: Expression, lanes: int) -> Expression:
    return T.ramp(start, 1, lanes)


def _codes(
    isa: InstructionSet, total: Expression, factor: Buffer, channel: Expression, result: Storage | Addition
) -> Expression:
    """Accumulators to float codes in the isa's own offset: float32 product, half to even, zero point, saturation."""
    scaled = T.cast(total, f"float32x{isa.lanes}") * factor[_vector(channel, isa.lanes)]
    return _rounded(isa, scaled, result.zero_point)


def _rounded(isa: InstructionSet, scaled: Expression, zero_point: int) -> Expression:
    codes = T.nearbyint(scaled) + T.broadcast(T.float32(zero_point + isa.offset), isa.lanes)
    return _saturated(isa, codes)


def _saturated(isa: InstructionSet, codes: Expression) -> Expression:
    low, high = (T.broadcast(T.float32(limit + isa.offset), isa.lanes) for limit in (-128, 127))
    return T.max(T.min(codes, high), low)


def _add(isa: InstructionSet, fused: Addition, codes: Expression, other: Expression, result: Storage) -> Expression:
    """See :func:`pipeline.graph.float_requantization.add`: codes there are unsigned, whatever the isa reads."""
    lanes = isa.lanes
    to_unsigned = T.broadcast(T.float32(128 - isa.offset), lanes)
    convolution = codes + to_unsigned
    stored = T.cast(other, f"float32x{lanes}") + to_unsigned
    terms = [(stored, fused.other_ratio), (convolution, fused.convolution_ratio)]
    total = T.broadcast(T.float32(fused.constant), lanes)
    for value, ratio in terms if fused.convolution_last else reversed(terms):
        total = T.call_llvm_pure_intrin(
            f"float32x{lanes}", "llvm.fma", value, T.broadcast(T.float32(ratio), lanes), total
        )
    return _saturated(isa, T.nearbyint(total) - to_unsigned)


def _store(isa: InstructionSet, output: Buffer, at: Expression, codes: Expression) -> None:
    whole = T.cast(codes, f"int32x{isa.lanes}")
    T.buffer_store(output, T.cast(whole, f"{isa.activations}x{isa.lanes}"), [_vector(at, isa.lanes)])


def _fill_border(isa: InstructionSet, result: Storage, output: Buffer) -> None:
    """Zero points around the tensor."""
    border = result.border
    value = T.cast(result.zero_point + isa.offset, isa.activations)

    def fill(start: Expression, size: int) -> None:
        if size:
            with T.vectorized(size) as i:
                T.buffer_store(output, value, [start + i])

    below = (border.top + result.height) * result.row
    fill(0, border.top * result.row)
    fill(below, border.bottom * result.row)
    if border.left or border.right:
        with T.serial(result.height) as y:
            row = (y + border.top) * result.row
            fill(row, border.left * result.pixel)
            fill(row + (border.left + result.width) * result.pixel, border.right * result.pixel)


def is_flat(window: Window, source: Storage, result: Storage, fused: Addition | None = None) -> bool:
    """Whether output pixel i reads input pixel i alone and no tensor has a border between its rows."""
    tensors = [source, result] + ([fused.other] if fused is not None else [])
    return (
        (window.rows, window.columns, *window.stride) == (1, 1, 1, 1)
        and all(not (t.border.left or t.border.right) for t in tensors)
        and source.border.top == 0 == result.border.top
    )

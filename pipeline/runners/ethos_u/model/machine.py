"""The machine: three memory regions and the operations that read and write them, for many images at once."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.backends.ethos_u.compiled_file import CompiledFile
from pipeline.backends.ethos_u.vela import ENVIRONMENT
from pipeline.errors import SixfoldError
from pipeline.graph.fixed_point import ADD_LEFT_SHIFT, multiply_by_quantized_multiplier
from pipeline.graph.ir import Int8Array
from pipeline.runners.ethos_u.model.command_stream import NotModelledError, Operation, Registers, read_operations
from pipeline.runners.ethos_u.model.weights import WeightLayout, arrange
from pipeline.tool_process import run_worker

Int64Array = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Streams = dict[str, npt.NDArray[np.int16]]

_WORKER = Path(__file__).with_name("decode_worker.py")
_TIME_LIMIT_S = 120.0
_SCALE_BYTES = 10  # per channel: 40 bits bias, 32 bits scale, 6 bits shift
_BRICK = 16  # channels of a brick in the format NHCWB16
_ROUND_DOUBLE, _ROUND_NATURAL = 0, 2
_ADD, _AVERAGE = 1, 1
_SCALE_OPA, _SCALE_OPB = 1, 2
_WEIGHTED = ("convolution", "depthwise convolution")


class Model:
    """A compiled file, ready to run."""

    def __init__(self, compiled: CompiledFile) -> None:
        """Read the command stream and decode its weights in Vela's environment.

        Raises:
            SixfoldError: some operator is left to the CPU, or an operation is not modelled.
        """
        if compiled.cpu_tensors:
            raise NotModelledError(f"{', '.join(compiled.cpu_tensors)}: left to the CPU, which is not modelled")
        self._compiled = compiled
        self._operations = [operation for stream in compiled.streams for operation in read_operations(stream)]
        self._streams = self._decoded()

    def execute(self, inputs: Int8Array) -> Int8Array:
        """Run int8 ``(samples, height, width, channels)`` inputs together; returns int8 ``(samples, classes)``.

        Raises:
            SixfoldError: an operation that is not modelled, or an access outside of a region.
        """
        machine = _Machine(self._compiled, len(inputs))
        arena = machine.regions[1]
        source, result = self._compiled.input_offset, self._compiled.output_offset
        arena[:, source : source + inputs[0].size] = inputs.reshape(len(inputs), -1).view(np.uint8)
        for operation in self._operations:
            machine.run(operation, self._streams)
        return np.ascontiguousarray(arena[:, result : result + self._compiled.output_size]).view(np.int8)

    def _decoded(self) -> Streams:
        """Every weight stream by the digest of its bytes, as the transfers alone bring them into place."""
        machine = _Machine(self._compiled, 1)
        encoded = {}
        for operation in self._operations:
            if operation.name == "transfer":
                machine.run(operation, {})
            elif operation.name in _WEIGHTED:
                stream = machine.weight_stream(operation.registers)
                encoded[_digest(stream)] = stream
        return run_worker(ENVIRONMENT, _WORKER, {}, encoded, time_limit_s=_TIME_LIMIT_S)[1]


def _digest(stream: Bytes) -> str:
    return hashlib.sha256(stream.tobytes()).hexdigest()


class _Machine:
    """Regions by number, each ``(samples, bytes)``; the constants are the same for all samples."""

    def __init__(self, compiled: CompiledFile, samples: int) -> None:
        # What was never written is noise, so that reading it shows.
        noise = np.random.default_rng(0)
        self.regions: list[Bytes] = [np.frombuffer(compiled.constants, np.uint8)[np.newaxis]]
        for size in compiled.arena_bytes:
            self.regions.append(noise.integers(0, 256, (samples, size), np.uint8))

    def run(self, operation: Operation, streams: Streams) -> None:
        registers = operation.registers
        match operation.name:
            case "convolution" | "depthwise convolution":
                self._weighted(operation, streams)
            case "pooling":
                self._pool(operation)
            case "elementwise":
                self._elementwise(operation)
            case "transfer":
                length = registers["dma_len"]
                source = self._slice(registers["dma_src_region"], registers["dma_src"], length)
                self._slice(registers["dma_dst_region"], registers["dma_dst"], length)[:] = source
            case _:  # the model does one thing after the other, so there is nothing to wait for
                pass

    def weight_stream(self, registers: Registers) -> Bytes:
        """The encoded weights that an operation reads, which are the same for all samples."""
        stream = self._slice(registers["weight_region"], registers["weight_base"], registers["weight_length"])
        return np.array(stream[0])

    def _slice(self, region: int, start: int, length: int) -> Bytes:
        if region >= len(self.regions) or start + length > self.regions[region].shape[1]:
            raise SixfoldError(f"command stream: {length} bytes at {start:#x} are outside of region {region}")
        return self.regions[region][:, start : start + length]

    def _weighted(self, operation: Operation, streams: Streams) -> None:
        r = operation.registers
        depthwise = operation.name == "depthwise convolution"
        kernel, stride = _kernel(r)
        outputs = r["ofm_depth_m1"] + 1
        layout = WeightLayout(
            kernel=kernel,
            inputs=1 if depthwise else r["ifm_depth_m1"] + 1,
            outputs=outputs,
            block=r["ofm_blk_depth_m1"] + 1,
            depthwise=depthwise,
            part_kernel=bool(r["kernel_stride"] & 4),
        )
        stream = streams.get(_digest(self.weight_stream(r)))
        if stream is None:
            raise SixfoldError("command stream: weights are overwritten before they are used")
        weights = arrange(stream, layout).astype(np.float64)
        bias, scale, shift = self._scales(r, outputs)
        total = np.zeros(())
        # Integers below 2^53: float64 is exact in whatever order it adds.
        for tap, (row, column) in _taps(self._padded(r, kernel, stride), kernel, stride, r):
            element = weights[:, row, column]
            total = total + (tap * element[:, 0] if depthwise else tap @ element.T)
        self._write(r, _rescale(r, total.astype(np.int64) + bias, scale, shift))

    def _pool(self, operation: Operation) -> None:
        r = operation.registers
        if operation.mode != _AVERAGE:
            raise NotModelledError(f"command stream: pooling mode {operation.mode} is not modelled")
        kernel, stride = _kernel(r)
        total = sum(tap for tap, _ in _taps(self._padded(r, kernel, stride), kernel, stride, r))
        self._write(r, _rescale(r, np.asarray(total).astype(np.int64), r["ofm_scale"], r["ofm_scale_shift"]))

    def _elementwise(self, operation: Operation) -> None:
        r = operation.registers
        if operation.mode != _ADD or r["ifm2_broadcast"] & ~0x40:
            raise NotModelledError(f"command stream: elementwise mode {operation.mode} is not modelled")
        shape = (r["ofm_height_m1"] + 1, r["ofm_width_m1"] + 1, r["ofm_depth_m1"] + 1)
        operands = [self._read(r, "ifm", shape), self._read(r, "ifm2", shape)]
        if r["ifm2_broadcast"] & 0x40:
            operands.reverse()
        mode = r["ifm_precision"] >> 8 & 3
        if mode in (_SCALE_OPA, _SCALE_OPB):
            # One operand is scaled; the other, whose step is the larger, is worth half of it by definition.
            scaled, other = operands if mode == _SCALE_OPA else operands[::-1]
            shift = 31 - ADD_LEFT_SHIFT - r["opa_scale_shift"]
            total = multiply_by_quantized_multiplier(scaled << ADD_LEFT_SHIFT, r["opa_scale"], shift)
            total = total + (other << (ADD_LEFT_SHIFT - 1))
        else:
            total = operands[0] * r["opa_scale"] + operands[1] * r["opb_scale"]
        self._write(r, _rescale(r, total, r["ofm_scale"], r["ofm_scale_shift"]))

    def _scales(self, r: Registers, outputs: int) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Bias, scale and shift of each output channel."""
        packed = self._slice(r["scale_region"], r["scale_base"], outputs * _SCALE_BYTES)[0]
        fields = packed.reshape(outputs, _SCALE_BYTES).astype(np.int64)
        bias = _little_endian(fields[:, :5])
        return np.where(bias >> 39, bias - (1 << 40), bias), _little_endian(fields[:, 5:9]), fields[:, 9] & 0x3F

    def _padded(self, r: Registers, kernel: tuple[int, int], stride: tuple[int, int]) -> npt.NDArray[np.float64]:
        """The input less its zero point, with the padding around it."""
        sides = [(r["ifm_pad_top"], r["ifm_pad_bottom"]), (r["ifm_pad_left"], r["ifm_pad_right"])]
        sizes = [r["ofm_height_m1"], r["ofm_width_m1"]]
        height, width = (
            size * step + taps - sum(side) for size, step, taps, side in zip(sizes, stride, kernel, sides, strict=True)
        )
        values = self._read(r, "ifm", (height, width, r["ifm_depth_m1"] + 1)).astype(np.float64)
        return np.pad(values, ((0, 0), *sides, (0, 0)))

    def _read(self, r: Registers, name: str, shape: tuple[int, int, int]) -> Int64Array:
        region = self.regions[r[f"{name}_region"]]
        codes = region[:, feature_map_addresses(r, name, shape, region.shape[1])]
        if r[f"{name}_precision"] & 0xD != 1 or r["ifm_upscale"]:
            raise NotModelledError("command stream: only int8 feature maps are modelled, and none that are scaled up")
        return codes.view(np.int8).astype(np.int64) - _signed(r[f"{name}_zero_point"])

    def _write(self, r: Registers, values: Int64Array) -> None:
        if r["activation"] & 0x1F > 0 or r["ofm_precision"] & 0x7 != 1:
            raise NotModelledError("command stream: only clamps are modelled as activations, and only int8 outputs")
        low, high = _signed(r["activation_min"]), _signed(r["activation_max"])
        codes = np.clip(values + _signed(r["ofm_zero_point"]), max(low, -128), min(high, 127))
        region = self.regions[r["ofm_region"]]
        region[:, feature_map_addresses(r, "ofm", codes.shape[1:], region.shape[1])] = codes.astype(np.int8).view(
            np.uint8
        )


def _kernel(r: Registers) -> tuple[tuple[int, int], tuple[int, int]]:
    """Kernel and stride, each vertical then horizontal."""
    fields = r["kernel_stride"]
    if fields >> 3:
        raise NotModelledError("command stream: dilation and strides above two are not modelled")
    return (r["kernel_height_m1"] + 1, r["kernel_width_m1"] + 1), ((fields >> 1 & 1) + 1, (fields & 1) + 1)


def _taps(
    padded: npt.NDArray[np.float64], kernel: tuple[int, int], stride: tuple[int, int], r: Registers
) -> Iterable[tuple[npt.NDArray[np.float64], tuple[int, int]]]:
    """What each kernel element multiplies at every output, and the element."""
    down, across = r["ofm_height_m1"] * stride[0] + 1, r["ofm_width_m1"] * stride[1] + 1
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            yield padded[:, row : row + down : stride[0], column : column + across : stride[1]], (row, column)


def _rescale(r: Registers, value: Int64Array, scale: Any, shift: Any) -> Int64Array:
    """``value * scale / 2^shift`` by the rounding mode of the output."""
    mode = r["ofm_precision"] >> 14
    if mode == _ROUND_DOUBLE:
        return multiply_by_quantized_multiplier(value, scale, 31 - np.asarray(shift))
    if mode == _ROUND_NATURAL:
        return np.asarray((value * scale + (1 << (shift - 1))) >> shift)
    raise NotModelledError(f"command stream: rounding mode {mode} is not modelled")


def feature_map_addresses(r: Registers, name: str, shape: tuple[int, ...], limit: int) -> Int64Array:
    """Address of every element ``(height, width, channels)`` of a feature map, which may lie in up to four tiles."""
    y, x, c = np.indices(shape, sparse=True)
    right = x > r[f"{name}_width0_m1"]
    below = np.where(right, y > r[f"{name}_height1_m1"], y > r[f"{name}_height0_m1"])
    row = y - below * np.where(right, r[f"{name}_height1_m1"] + 1, r[f"{name}_height0_m1"] + 1)
    column = x - right * (r[f"{name}_width0_m1"] + 1)
    base = np.array([r[f"{name}_base{tile}"] for tile in range(4)])[right + 2 * below]
    address = base + row * r[f"{name}_stride_y"]
    if r[f"{name}_precision"] & 0x40:
        address = address + column * _BRICK + c // _BRICK * r[f"{name}_stride_c"] + c % _BRICK
    else:
        address = address + column * r[f"{name}_stride_x"] + c
    if address.max() >= limit:
        raise SixfoldError(f"command stream: {name} leads out of its region")
    return np.asarray(address, np.int64)


def _little_endian(fields: Int64Array) -> Int64Array:
    return np.asarray((fields << (8 * np.arange(fields.shape[1]))).sum(axis=1), np.int64)


def _signed(field: int) -> int:
    """A 16-bit field as a signed number."""
    return field - (1 << 16) if field & 0x8000 else field

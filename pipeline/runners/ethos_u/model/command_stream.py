"""The command stream: what the NPU is asked to do, one operation after the other.

It is a sequence of 32-bit words behind a short header for the driver. A command has its code in bits 0..9 and
a parameter in bits 16..31; with bit 14 set, a word of payload follows. Most commands set a register, which keeps its
value; the operations read them all. Codes and fields: Arm's register description, `ethos_u55_regs` in Vela's package.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.errors import SixfoldError

_FOURCC = b"COP1"
_STREAM_ACTION = 0x02
_CONFIG_ACTION = 0x01
# An action's own word, the configuration and the version of the architecture.
_CONFIG_WORDS = 3
_PAYLOAD = 1 << 14
_CODE = 0x3FF

OPERATIONS = {
    0x000: "stop",
    0x002: "convolution",
    0x003: "depthwise convolution",
    0x005: "pooling",
    0x006: "elementwise",
    0x010: "transfer",
    0x011: "wait for transfer",
    0x012: "wait for operation",
}

#: Registers that are set by a parameter, and by a payload (whose command's parameter holds upper bits or a shift).
_PARAMETERS = {
    0x100: "ifm_pad_top", 0x101: "ifm_pad_left", 0x102: "ifm_pad_right", 0x103: "ifm_pad_bottom",
    0x104: "ifm_depth_m1", 0x105: "ifm_precision", 0x107: "ifm_upscale", 0x109: "ifm_zero_point",
    0x10A: "ifm_width0_m1", 0x10B: "ifm_height0_m1", 0x10C: "ifm_height1_m1", 0x10F: "ifm_region",
    0x111: "ofm_width_m1", 0x112: "ofm_height_m1", 0x113: "ofm_depth_m1", 0x114: "ofm_precision",
    0x117: "ofm_blk_depth_m1", 0x118: "ofm_zero_point", 0x11A: "ofm_width0_m1", 0x11B: "ofm_height0_m1",
    0x11C: "ofm_height1_m1", 0x11F: "ofm_region", 0x120: "kernel_width_m1", 0x121: "kernel_height_m1",
    0x122: "kernel_stride", 0x125: "activation", 0x126: "activation_min", 0x127: "activation_max",
    0x128: "weight_region", 0x129: "scale_region", 0x130: "dma_src_region", 0x131: "dma_dst_region",
    0x180: "ifm2_broadcast", 0x185: "ifm2_precision", 0x189: "ifm2_zero_point", 0x18A: "ifm2_width0_m1",
    0x18B: "ifm2_height0_m1", 0x18C: "ifm2_height1_m1", 0x18F: "ifm2_region",
}  # fmt: skip
_PAYLOADS = {
    0x000: "ifm_base0", 0x001: "ifm_base1", 0x002: "ifm_base2", 0x003: "ifm_base3",
    0x004: "ifm_stride_x", 0x005: "ifm_stride_y", 0x006: "ifm_stride_c",
    0x010: "ofm_base0", 0x011: "ofm_base1", 0x012: "ofm_base2", 0x013: "ofm_base3",
    0x014: "ofm_stride_x", 0x015: "ofm_stride_y", 0x016: "ofm_stride_c",
    0x020: "weight_base", 0x021: "weight_length", 0x022: "scale_base", 0x023: "scale_length",
    0x024: "ofm_scale", 0x025: "opa_scale", 0x026: "opb_scale",
    0x030: "dma_src", 0x031: "dma_dst", 0x032: "dma_len",
    0x080: "ifm2_base0", 0x081: "ifm2_base1", 0x082: "ifm2_base2", 0x083: "ifm2_base3",
    0x084: "ifm2_stride_x", 0x085: "ifm2_stride_y", 0x086: "ifm2_stride_c",
}  # fmt: skip
# These have a shift in the parameter, which is a register of its own here; the others' parameter is bits 32..47.
_WITH_SHIFT = {"ofm_scale", "opa_scale", "opb_scale"}


class NotModelledError(SixfoldError):
    """Something that the NPU can do and this model cannot."""


class Registers(dict[str, int]):
    """Values by register; one that was never set is an error of the command stream."""

    def __missing__(self, name: str) -> int:
        raise SixfoldError(f"command stream: register {name} is read before it is set")


@dataclass(frozen=True)
class Operation:
    """One operation and the registers it reads.

    Attributes:
        mode: the operation command's own parameter.
    """

    name: str
    mode: int
    registers: Registers


def read_operations(stream: bytes) -> Iterator[Operation]:
    """Every operation of a command stream with the registers as they are then.

    Raises:
        SixfoldError: a header or command that is not known.
    """
    if len(stream) % 4:
        raise SixfoldError(f"command stream: {len(stream)} bytes is not a whole number of words")
    words = np.frombuffer(stream, "<u4")
    registers = Registers()
    position = _start(stream, words)
    while position < len(words):
        word = int(words[position])
        code, parameter, has_payload = word & _CODE, word >> 16, bool(word & _PAYLOAD)
        position += 2 if has_payload else 1
        if position > len(words):
            raise SixfoldError("command stream: it ends within a command")
        if has_payload:
            payload = int(words[position - 1])
            name = _PAYLOADS.get(code, "")
            if name in _WITH_SHIFT:
                registers |= {name: payload, f"{name}_shift": parameter & 0x3F}
            else:
                registers[name] = payload | parameter << 32
        elif code in OPERATIONS:
            yield Operation(OPERATIONS[code], parameter, Registers(registers))
        elif code < 0x100:
            raise NotModelledError(f"command stream: operation {code:#x} is not modelled")
        else:
            registers[_PARAMETERS.get(code, "")] = parameter


def _start(stream: bytes, words: npt.NDArray[np.uint32]) -> int:
    """Index of the first command: behind the actions that the driver carries out before."""
    position = 1
    while stream[:4] == _FOURCC and position < len(words):
        action = int(words[position]) & 0xFF
        if action == _STREAM_ACTION:
            return position + 1
        position += _CONFIG_WORDS if action == _CONFIG_ACTION else 1
    raise SixfoldError("command stream: its header is not one that Vela 5 writes")

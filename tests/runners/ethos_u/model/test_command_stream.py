"""Reading a command stream, word by word."""

import struct

import pytest

from pipeline.errors import SixfoldError
from pipeline.runners.ethos_u.model.command_stream import read_operations

HEADER = b"COP1" + struct.pack("<6I", 0x0010_0001, 0x1807, 0x1006_6001, 5, 5, 0x0004_0002)


def parameter(code: int, value: int) -> bytes:
    return struct.pack("<I", code | value << 16)


def payload(code: int, value: int, upper: int = 0) -> bytes:
    return struct.pack("<II", code | 1 << 14 | upper << 16, value)


def test_registers_keep_their_values_until_they_are_set_again() -> None:
    stream = HEADER + parameter(0x104, 7) + payload(0x000, 0x9000) + parameter(0x002, 0)
    stream += payload(0x000, 0x10, upper=1) + parameter(0x005, 1)
    convolution, pooling = read_operations(stream)
    assert (convolution.name, convolution.mode, pooling.name, pooling.mode) == ("convolution", 0, "pooling", 1)
    assert convolution.registers == {"ifm_depth_m1": 7, "ifm_base0": 0x9000}
    # Addresses have 40 bits, of which the upper ones are in the command itself.
    assert pooling.registers == {"ifm_depth_m1": 7, "ifm_base0": 0x1_0000_0010}
    with pytest.raises(SixfoldError, match="register ofm_region is read before it is set"):
        _ = pooling.registers["ofm_region"]


def test_a_scale_comes_with_its_shift() -> None:
    (operation,) = read_operations(HEADER + payload(0x024, 0xFFFF_FFFF, upper=50) + parameter(0x006, 1))
    assert operation.registers == {"ofm_scale": 0xFFFF_FFFF, "ofm_scale_shift": 50}


@pytest.mark.parametrize("stream", [b"", b"COP2" + HEADER[4:], HEADER[:12], HEADER[:-4]])
def test_another_header_is_refused(stream: bytes) -> None:
    with pytest.raises(SixfoldError, match="its header is not one that Vela 5 writes"):
        list(read_operations(stream))


def test_an_unknown_operation_is_refused_and_a_cut_stream_too() -> None:
    with pytest.raises(SixfoldError, match="operation 0x7 is not modelled"):
        list(read_operations(HEADER + parameter(0x007, 0)))
    with pytest.raises(SixfoldError, match="ends within a command"):
        list(read_operations(HEADER + payload(0x000, 1)[:4]))
    with pytest.raises(SixfoldError, match="is not a whole number of words"):
        list(read_operations(HEADER + b"\0"))

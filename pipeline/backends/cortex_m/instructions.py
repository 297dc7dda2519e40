"""Finding classes of vector instructions in Thumb machine code.

Encodings: Arm v7-M Architecture Reference Manual, A7.7 (DSP extension), and Arm v8-M, C2.4 (Helium). An instruction of
32 bits is written here with its first halfword in the upper half.
"""

import struct

#: Class to its encodings as (mask, value).
CLASSES: dict[str, tuple[tuple[int, int], ...]] = {
    "smlad": ((0xFFF000E0, 0xFB200000),),
    "smlabb": ((0xFFF000C0, 0xFB100000),),
    "vmladav": ((0xFFF10FD1, 0xEEF00F00),),
    "vmul": ((0xFFF11FF1, 0xEF200950),),
    "vqrdmulh": ((0xFFF11FF1, 0xFF200B40), (0xFFF11FF0, 0xFE210E60)),
    "vadd": ((0xFFF11FF1, 0xEF200840),),
}


def count(code: bytes, name: str) -> int:
    """How many instructions of a class are in a stretch of Thumb code that starts with an instruction."""
    halfwords = struct.unpack(f"<{len(code) // 2}H", code[: len(code) // 2 * 2])
    found = position = 0
    while position < len(halfwords):
        first = halfwords[position]
        wide = first >> 11 in (0b11101, 0b11110, 0b11111)
        if wide and position + 1 < len(halfwords):
            instruction = first << 16 | halfwords[position + 1]
            found += any(instruction & mask == value for mask, value in CLASSES[name])
        position += 2 if wide else 1
    return found

"""Which core answers: the part number in CPUID, which every Cortex-M has at the same address."""

from pipeline.errors import SixfoldError

#: Register CPUID (Armv7-M Architecture Reference Manual, Arm DDI 0403, B3.2.3).
CPUID = 0xE000ED00

#: Bits 15..4 of CPUID, from each core's technical reference manual.
PART_NUMBERS = {
    "cortex-m0": 0xC20,
    "cortex-m0+": 0xC60,
    "cortex-m3": 0xC23,
    "cortex-m4": 0xC24,
    "cortex-m7": 0xC27,
    "cortex-m23": 0xD20,
    "cortex-m33": 0xD21,
    "cortex-m55": 0xD22,
    "cortex-m85": 0xD23,
}


def part_number(cpuid: int) -> int:
    """The part number in a value of CPUID."""
    return (cpuid >> 4) & 0xFFF


def check_core(cpuid: int, core: str, where: str) -> None:
    """Check that a chip has the core that a target is compiled for.

    Args:
        cpuid: what was read from the chip.
        core: the target's.
        where: names the chip in the message.

    Raises:
        SixfoldError: another core, or no Cortex-M at all.
    """
    part = part_number(cpuid)
    if part != PART_NUMBERS[core]:
        names = [name for name, number in PART_NUMBERS.items() if number == part]
        found = names[0] if names else "no core that is known here"
        raise SixfoldError(
            f"{where}: wrong chip: it has {found} (CPUID {cpuid:#010x}), the target has {core}; nothing was written"
        )

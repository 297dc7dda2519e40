"""How few instructions a core needs for multiply-accumulates alone: what its instruction set allows at best."""

#: Core to the instruction that multiplies and adds most int8 codes at once, and how many. MLA: Armv7-M Architecture
#: Reference Manual (Arm DDI 0403), A7.7.74; SMLAD, two halfwords: same, A7.7.148; VMLADAV.S8, the sixteen lanes of a
#: Helium vector: Armv8-M Architecture Reference Manual (Arm DDI 0553), C2.4. No instruction that loads, widens or
#: requantises is counted, so no program reaches the bound.
_MULTIPLIERS: dict[str, tuple[str, int]] = {
    "cortex-m3": ("MLA", 1),
    "cortex-m4": ("SMLAD", 2),
    "cortex-m7": ("SMLAD", 2),
    "cortex-m33": ("SMLAD", 2),
    "cortex-m55": ("VMLADAV.S8", 16),
}


def multiplier(core: str) -> tuple[str, int] | None:
    """The core's best instruction for int8 products and the multiply-accumulates of one; None for an unknown core."""
    return _MULTIPLIERS.get(core)


def share_of_bound(core: str, macs: int, instructions: float) -> float | None:
    """The least instructions that `macs` multiply-accumulates take on `core`, over those that were executed; 0..1.

    None where the core is not known or nothing was executed.
    """
    best = multiplier(core)
    if best is None or instructions <= 0:
        return None
    return macs / best[1] / instructions

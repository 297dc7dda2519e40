"""What may vary in a kernel without changing its result: tile sizes and loop order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Order: TypeAlias = Literal["pixels", "channels"]
_ORDERS: tuple[Order, ...] = ("pixels", "channels")


@dataclass(frozen=True)
class Schedule:
    """Of a convolution or a depthwise convolution.

    Attributes:
        pixels: neighbouring output pixels of a tile.
        blocks: vectors of output channels of a tile.
        order: which loop is outside; ``channels`` keeps a tile's weights in the cache, ``pixels`` its inputs.
    """

    pixels: int
    blocks: int
    order: Order = "pixels"


def candidates(registers: int, width: int, blocks: int) -> list[Schedule]:
    """Every schedule worth measuring: tiles that fit the registers and leave few pixels over.

    Args:
        registers: vector registers for accumulators.
        width: output pixels in a row.
        blocks: vectors of output channels.
    """
    shapes = {
        (pixels, wide)
        for wide in range(1, min(blocks, 8) + 1)
        for pixels in (min(width, registers // wide), *_divisors(width, registers // wide))
    }
    # A tile of less than half the registers waits for its own products.
    largest = max(pixels * wide for pixels, wide in shapes)
    return [
        Schedule(pixels, wide, order)
        for pixels, wide in sorted(shapes)
        if 2 * pixels * wide >= largest
        for order in _ORDERS
    ]


def default(registers: int, width: int, blocks: int, depth: int) -> Schedule:
    """The schedule for a convolution that was never measured.

    A step of a tile loads `pixels` inputs and `blocks` vectors of weights for `pixels * blocks` products: as square a
    tile as the registers allow loads least. Weights that outgrow the first-level cache stay for all pixels.
    """

    def cost(schedule: Schedule) -> tuple[float, int]:
        tiles = -(-width // schedule.pixels) * -(-blocks // schedule.blocks)
        return tiles * (schedule.pixels * schedule.blocks + schedule.pixels + schedule.blocks), schedule.blocks

    best = min(candidates(registers, width, blocks), key=cost)
    return Schedule(best.pixels, best.blocks, "channels" if depth * blocks > 16384 else "pixels")


def _divisors(width: int, limit: int) -> list[int]:
    return [divisor for divisor in range(1, limit + 1) if width % divisor == 0]

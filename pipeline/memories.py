"""A microcontroller's memories, and what lies in which: what the linker fills."""

import itertools
import re
from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from pipeline.sizes import Bytes
from pipeline.validation import Checked


class MemoryRegion(Checked):
    """A contiguous memory of the board.

    Attributes:
        origin: address of its first byte.
        size: that the linker may fill.
    """

    origin: Annotated[int, Field(ge=0, lt=2**32)]
    size: Annotated[Bytes, Field(gt=0)]

    @model_validator(mode="before")
    @classmethod
    def _is_a_mapping(cls, value: Any) -> Any:
        if not isinstance(value, dict | MemoryRegion):
            raise ValueError("is no region; write one as {origin: 0x20000000, size: 64KiB}")
        return value

    @property
    def end(self) -> int:
        """First address after the region."""
        return self.origin + self.size


class Place(Checked):
    """Which memory holds what: names of regions.

    Attributes:
        arena: input, activations and scratch.
        data: all other variables.
        stack: at the bottom of its region, so that an overflow leaves the memory and faults.
        weights: the model's constants.
    """

    arena: str = "sram"
    data: str = "sram"
    stack: str = "sram"
    weights: str = "flash"


class Memory(Checked):
    """What the linker fills: flash, sram and any further region by a name of its own (``dtcm``, ``ccm``, ...)."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, MemoryRegion] = Field(init=False)

    flash: MemoryRegion
    sram: MemoryRegion
    place: Place = Place()

    @property
    def regions(self) -> dict[str, MemoryRegion]:
        """All regions by name, flash and sram first."""
        return {"flash": self.flash, "sram": self.sram, **self.__pydantic_extra__}

    @model_validator(mode="after")
    def _names(self) -> "Memory":
        for name in self.__pydantic_extra__:
            if re.fullmatch(r"[a-z][a-z0-9_]{0,15}", name) is None:
                raise ValueError(f"{name!r} is no name for a region; use small letters, digits and underscores")
        for role, name in self.place:
            if name not in self.regions:
                raise ValueError(f"place.{role}: there is no region {name}; there are {', '.join(self.regions)}")
        return self

    @model_validator(mode="after")
    def _no_overlap(self) -> "Memory":
        ordered = sorted(self.regions.items(), key=lambda entry: entry[1].origin)
        for (one, first), (other, second) in itertools.pairwise(ordered):
            if first.end > second.origin:
                raise ValueError(
                    f"{one} ({first.origin:#x}..{first.end:#x}) and "
                    f"{other} ({second.origin:#x}..{second.end:#x}) overlap"
                )
        return self

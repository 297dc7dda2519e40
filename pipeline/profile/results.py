"""The schema of a profile: checked when written and when read."""

from typing import Annotated

from pydantic import Field, PositiveInt

from pipeline.profile.classes import Class
from pipeline.validation import Checked

Count = Annotated[int, Field(ge=0)]


class Work(Checked):
    """Executed instructions.

    Attributes:
        instructions: all of them; neither cycles nor time.
        classes: by what they do; those that were executed.
        products: multiplications that those of class `multiply` did, idle lanes and padding included.
        functions: by the function of the program that they are in.
    """

    instructions: Count
    classes: dict[Class, PositiveInt]
    products: Count
    functions: dict[str, PositiveInt]


class LayerWork(Work):
    """One layer's part of an inference.

    Attributes:
        macs: multiply-adds of the layer, as the network has them; none for additions and pooling.
    """

    name: str
    macs: Count

    def beyond(self, bound: int) -> float:
        """Instructions beyond those that the layer would take with `bound` multiply-adds in each and nothing else."""
        return self.instructions - self.macs / bound


class Profile(Checked):
    """One inference.

    Attributes:
        where: the emulated machine.
        bound: the most multiply-adds that one instruction of the core does on int8 codes.
        layers: in order.
        runtime: what runs between the layers and calls them.
        tools: versions of all that took part.
    """

    where: str
    core: str
    kernels: str
    bound: PositiveInt
    layers: tuple[LayerWork, ...]
    runtime: Work
    tools: dict[str, str]

    @property
    def instructions(self) -> int:
        """Of the whole inference."""
        return sum(layer.instructions for layer in self.layers) + self.runtime.instructions

    @property
    def macs(self) -> int:
        """Of the whole network."""
        return sum(layer.macs for layer in self.layers)

    @property
    def products(self) -> int:
        """Of the whole inference."""
        return sum(layer.products for layer in self.layers) + self.runtime.products

    @property
    def classes(self) -> dict[Class, int]:
        """Instructions of the whole inference by what they do."""
        total: dict[Class, int] = {}
        for work in (*self.layers, self.runtime):
            for name, count in work.classes.items():
                total[name] = total.get(name, 0) + count
        return total

    @property
    def worst(self) -> tuple[LayerWork, ...]:
        """All layers, that with the most instructions beyond the bound first."""
        return tuple(sorted(self.layers, key=lambda layer: (-layer.beyond(self.bound), layer.name)))

"""What a target file says about an Arm Ethos-U."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.sizes import Bytes
from pipeline.validation import Checked

#: What the functional model in `pipeline/runners/ethos_u/model` executes; the others lay out weights differently.
MODELLED = ("ethos-u55-64", "ethos-u55-128", "ethos-u55-256", "ethos-u65-256")


class NpuSpec(Checked):
    """How Vela compiles for an Arm Ethos-U; its documentation describes each choice.

    Attributes:
        accelerator: product and multiply-adds in a cycle.
        system_config: section of Vela's `vela.ini`: clock and the speed of the memories.
        memory_mode: which memory holds what; `Shared_Sram` keeps constants in flash and all else in SRAM.
        arena: SRAM to aim at; none lets Vela take what makes it fast.
        latency_slack_percent: how much slower than the fastest plan is fine where that saves SRAM.
    """

    accelerator: Literal[
        "ethos-u55-32", "ethos-u55-64", "ethos-u55-128", "ethos-u55-256",
        "ethos-u65-256", "ethos-u65-512",
        "ethos-u85-128", "ethos-u85-256", "ethos-u85-512", "ethos-u85-1024", "ethos-u85-2048",
    ]  # fmt: skip
    system_config: Literal[
        "Ethos_U55_Deep_Embedded", "Ethos_U55_High_End_Embedded",
        "Ethos_U65_Embedded", "Ethos_U65_Mid_End", "Ethos_U65_High_End", "Ethos_U65_Client_Server",
        "Ethos_U85_SYS_Flash_Low", "Ethos_U85_SYS_Flash_High",
        "Ethos_U85_SYS_DRAM_Low", "Ethos_U85_SYS_DRAM_Mid", "Ethos_U85_SYS_DRAM_High",
    ]  # fmt: skip
    memory_mode: Literal["Shared_Sram", "Dedicated_Sram_256KB", "Dedicated_Sram_384KB", "Dedicated_Sram_512KB"]
    arena: Annotated[Bytes, Field(gt=0)] | None = None
    latency_slack_percent: Annotated[float, Field(ge=0, le=100)] = 0

    @model_validator(mode="after")
    def _choices_agree(self) -> "NpuSpec":
        product = "_".join(self.accelerator.split("-")[:2]).replace("ethos_u", "Ethos_U")
        if not self.system_config.startswith(f"{product}_"):
            raise ValueError(f"system_config {self.system_config} is not for {self.accelerator}")
        if self.latency_slack_percent and self.memory_mode != "Shared_Sram":
            raise ValueError(
                "latency_slack_percent needs memory_mode Shared_Sram: a dedicated SRAM has its size anyway"
            )
        if self.arena is not None and self.memory_mode != "Shared_Sram":
            raise ValueError(f"arena needs memory_mode Shared_Sram: {self.memory_mode} says its own")
        if self.memory_mode != "Shared_Sram" and product == "Ethos_U55":
            raise ValueError(
                f"memory_mode {self.memory_mode} needs writable memory beside the SRAM, which Ethos-U55 has not"
            )
        return self

"""What a target file says about a real board beyond its memories: its family, its serial port, its supply.

A family is a folder of `firmware/boards`; its start-up and drivers are written once, and these settings reach them as
numbers (`BOARD_...` in C). Pins are numbered as the family's registers count them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field, model_validator

from pipeline.validation import Checked


@dataclass(frozen=True)
class Family:
    """How the boards of one family name their serial ports and pins.

    Attributes:
        ports: serial port to the number that the firmware knows it by.
        pin: pattern of a pin's name, with groups `port` (empty where there is but one) and `pin`.
        pins_per_port: pins of one port; a pin's number is port * this + pin.
        example: a pin, for messages.
        supplies: ways to feed the core, where the start-up must know.
    """

    ports: Mapping[str, int]
    pin: str
    pins_per_port: int
    example: str
    supplies: tuple[str, ...] = ()

    def pin_number(self, name: str) -> int | None:
        """The pin's number, or None if the family has no such pin."""
        match = re.fullmatch(self.pin, name)
        if match is None:
            return None
        port, pin = match["port"], int(match["pin"])
        index = 0 if not port else int(port) if port.isdigit() else ord(port) - ord("A")
        return index * self.pins_per_port + pin if pin < self.pins_per_port else None


_STM32 = Family(
    ports={"usart1": 1, "usart2": 2, "usart3": 3, "uart4": 4, "uart5": 5, "usart6": 6},
    pin=r"P(?P<port>[A-K])(?P<pin>\d{1,2})",
    pins_per_port=16,
    example="PA9",
)
FAMILIES = {
    "stm32f4": _STM32,
    "stm32f7": _STM32,
    "stm32h7": replace(_STM32, supplies=("ldo", "smps")),
    "nrf52": Family({"uarte0": 0}, r"P(?P<port>[01])\.(?P<pin>\d{2})", 32, "P0.06"),
    "rp2350": Family({"uart0": 0, "uart1": 1}, r"(?P<port>)GP(?P<pin>\d{1,2})", 30, "GP0"),
}


class Uart(Checked):
    """The serial port that the board's user reaches, and its pins.

    Attributes:
        port: as the family names it.
        tx: pin that the board sends on.
        rx: pin that it receives on.
    """

    port: str
    tx: str
    rx: str


class BoardSpec(Checked):
    """A real board's start-up, as data.

    Attributes:
        family: folder of `firmware/boards`.
        uart: where you want to talk to it.
        supply: how the core is fed, where the start-up must know.
    """

    family: str
    uart: Uart
    supply: Annotated[str, Field(pattern=r"[a-z]+")] | None = None

    @model_validator(mode="after")
    def _known_to_the_family(self) -> "BoardSpec":
        family = FAMILIES.get(self.family)
        if family is None:
            raise ValueError(f"family {self.family} is unknown; there are {', '.join(FAMILIES)}")
        if self.uart.port not in family.ports:
            raise ValueError(f"uart.port {self.uart.port} is unknown; {self.family} has {', '.join(family.ports)}")
        for role, pin in (("tx", self.uart.tx), ("rx", self.uart.rx)):
            if family.pin_number(pin) is None:
                raise ValueError(f"uart.{role} {pin} is no pin of {self.family}; write for example {family.example}")
        if (self.supply is None) != (not family.supplies) or (self.supply and self.supply not in family.supplies):
            wanted = f"must be one of {', '.join(family.supplies)}" if family.supplies else "is not for this family"
            raise ValueError(f"supply {wanted}")
        return self

    def settings(self, clock_hz: int) -> dict[str, int]:
        """What the firmware is compiled with, by the names that it knows."""
        family = FAMILIES[self.family]
        settings = {
            "BOARD_CLOCK_HZ": clock_hz,
            "BOARD_UART": family.ports[self.uart.port],
            "BOARD_UART_TX": _number(family, self.uart.tx),
            "BOARD_UART_RX": _number(family, self.uart.rx),
        }
        if self.supply is not None:
            settings["BOARD_SUPPLY"] = family.supplies.index(self.supply)
        return settings


def _number(family: Family, pin: str) -> int:
    number = family.pin_number(pin)
    assert number is not None  # checked on load
    return number

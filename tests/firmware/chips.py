"""Clock, reset and serial-port registers of the real boards' chips, as far as a start-up needs them.

Each model answers as the reference manual says and refuses (AssertionError) what the manual forbids: a clock that is
too fast for the flash's wait states, a peripheral that is used before it has a clock, an oscillator out of its range.
"""

from typing import ClassVar

from pipeline.targets import Target
from tests.firmware.chip import Chip

MHZ = 1_000_000


class Stm32(Chip):
    """What the F4, F7 and H7 have in common: GPIO and USART."""

    USART_2 = False  # the newer USART, with other addresses
    GPIO = 0x40020000
    GPIO_ENABLE, APB1_ENABLE, APB2_ENABLE = 0x40023830, 0x40023840, 0x40023844
    USARTS: ClassVar[dict[str, tuple[int, int, int]]] = {
        "usart1": (0x40011000, 2, 4),
        "usart2": (0x40004400, 1, 17),
        "usart3": (0x40004800, 1, 18),
    }

    def __init__(self, target: Target, starts: bool = True) -> None:
        super().__init__(target, starts)
        assert target.board is not None
        self.uart = target.board.uart
        self.usart, self.bus, self.enable = self.USARTS[self.uart.port]

    def read(self, address: int) -> int:
        if address == self.usart + (0x1C if self.USART_2 else 0x00):
            return 0xC0  # room, and sent
        if address // 0x400 == 0x40000000 // 0x400:
            assert self.registers[self.APB1_ENABLE] & 1, "TIM2 has no clock"
        return super().read(address)

    def write(self, address: int, value: int) -> None:
        super().write(address, value)
        if address // 0x400 == self.usart // 0x400:
            enable = self.APB1_ENABLE if self.bus == 1 else self.APB2_ENABLE
            assert self.registers[enable] >> self.enable & 1, "the USART has no clock"
        if address == self.usart + (0x28 if self.USART_2 else 0x04):
            self._check_port()
            divider = self.registers[self.usart + (0x0C if self.USART_2 else 0x08)]
            self.send(value & 0xFF, self.apb_hz(self.bus) / divider)

    def _check_port(self) -> None:
        control = self.registers[self.usart + (0x00 if self.USART_2 else 0x0C)]
        assert control & (1 if self.USART_2 else 1 << 13) and control & 0xC == 0xC, "not enabled"
        for pin in (self.uart.tx, self.uart.rx):
            port, number = ord(pin[1]) - ord("A"), int(pin[2:])
            gpio = self.GPIO + 0x400 * port
            assert self.registers[self.GPIO_ENABLE] >> port & 1, f"{pin}: its port has no clock"
            assert self.registers[gpio] >> 2 * number & 3 == 2, f"{pin}: not in its alternate function"
            function = self.registers[gpio + 0x20 + number // 8 * 4] >> 4 * (number % 8) & 15
            assert function == 7, f"{pin}: alternate function {function}"

    def apb_hz(self, bus: int) -> float:
        raise NotImplementedError


class Stm32F4(Stm32):
    """RM0390 sections 3.4, 5.1 and 6.3."""

    RCC, FLASH, PWR = 0x40023800, 0x40023C00, 0x40007000
    RESET: ClassVar[dict[int, int]] = {RCC: 0x83, RCC + 4: 0x24003010, PWR: 0xC000}
    OVERDRIVE_ABOVE, HIGHEST, APB1_HIGHEST = 168 * MHZ, 180 * MHZ, 45 * MHZ
    WAIT_STATE_HZ = 30 * MHZ

    def read(self, address: int) -> int:
        value = super().read(address)
        if address == self.RCC:
            return value & ~(1 << 25) | (value >> 24 & 1 & self.starts) << 25
        if address == self.RCC + 8:
            return value & ~0xC | (value & 3) << 2
        if address == self.PWR + 4:
            return self.registers[self.PWR] & 3 << 16
        return value

    def write(self, address: int, value: int) -> None:
        if address == self.RCC + 4:
            assert not self.registers[self.RCC] >> 24 & 1, "the PLL is changed while it runs"
        super().write(address, value)
        if address == self.RCC + 8 and value & 3 == 2:
            self._check_clock()

    @property
    def core_hz(self) -> float:
        if self.registers[self.RCC + 8] & 3 != 2:
            return 16 * MHZ
        pll = self.registers[self.RCC + 4]
        assert not pll >> 22 & 1, "not from the internal oscillator"
        source = 16 * MHZ / (pll & 0x3F)
        oscillator = source * (pll >> 6 & 0x1FF)
        assert MHZ <= source <= 2 * MHZ and 100 * MHZ <= oscillator <= 432 * MHZ
        return oscillator / (2 * (pll >> 16 & 3) + 2)

    def _check_clock(self) -> None:
        assert self.read(self.RCC) >> 25 & 1, "the PLL is not ready"
        assert self.core_hz <= self.HIGHEST, "too fast"
        assert (self.registers[self.FLASH] & 15) + 1 >= self.core_hz / self.WAIT_STATE_HZ, "too few wait states"
        assert self.apb_hz(1) <= self.APB1_HIGHEST and self.apb_hz(2) <= 2 * self.APB1_HIGHEST, "bus too fast"
        if self.core_hz > self.OVERDRIVE_ABOVE:
            assert self.registers[self.APB1_ENABLE] >> 28 & 1 and self.registers[self.PWR] >> 16 & 3 == 3

    def apb_hz(self, bus: int) -> float:
        field = self.registers[self.RCC + 8] >> (10 if bus == 1 else 13) & 7
        return self.core_hz / (2 ** max(0, field - 3))


class Stm32F7(Stm32F4):
    """RM0385 sections 3.3, 4.1 and 5.3."""

    USART_2 = True
    OVERDRIVE_ABOVE, HIGHEST, APB1_HIGHEST = 180 * MHZ, 216 * MHZ, 54 * MHZ


class Stm32H7(Stm32):
    """RM0433 sections 4.3.8, 6.8 and 8.7."""

    USART_2 = True
    GPIO, GPIO_ENABLE, APB1_ENABLE, APB2_ENABLE = 0x58020000, 0x580244E0, 0x580244E8, 0x580244F0
    RCC, PWR, FLASH = 0x58024400, 0x58024800, 0x52002000
    RESET: ClassVar[dict[int, int]] = {RCC: 0x25, PWR + 0xC: 6, PWR + 0x18: 0x4000, FLASH: 0x37}

    def read(self, address: int) -> int:
        value = super().read(address)
        if address == self.RCC:
            return value & ~(1 << 25) | (value >> 24 & 1 & self.starts) << 25
        if address == self.RCC + 0x10:
            return value & ~0x38 | (value & 7) << 3
        if address == self.PWR + 4:
            return 1 << 13
        if address == self.PWR + 0x18:
            return value | 1 << 13
        return value

    def write(self, address: int, value: int) -> None:
        if address in (self.RCC + 0x28, self.RCC + 0x2C, self.RCC + 0x30):
            assert not self.registers[self.RCC] >> 24 & 1, "the PLL is changed while it runs"
        super().write(address, value)
        if address == self.PWR + 0xC:
            assert self.target.board is not None
            assert value & 7 == {"ldo": 2, "smps": 4}[self.target.board.supply or ""], "the core loses its supply"
        if address == self.RCC + 0x10 and value & 7 == 3:
            self._check_clock()

    @property
    def core_hz(self) -> float:
        if self.registers[self.RCC + 0x10] & 7 != 3:
            return 64 * MHZ
        source, pll, dividers = (self.registers[self.RCC + offset] for offset in (0x28, 0x2C, 0x30))
        assert source & 3 == 0, "not from the internal oscillator"
        reference = 64 * MHZ / (source >> 4 & 0x3F)
        oscillator = reference * ((dividers & 0x1FF) + 1)
        assert pll >> 2 & 3 == 3 and 8 * MHZ <= reference <= 16 * MHZ, "range of the reference"
        assert not pll & 2 and 192 * MHZ <= oscillator <= 836 * MHZ and pll >> 16 & 1
        return oscillator / ((dividers >> 9 & 0x7F) + 1)

    def _check_clock(self) -> None:
        assert self.read(self.RCC) >> 25 & 1, "the PLL is not ready"
        assert self.registers[self.PWR + 0x18] >> 14 & 3 == 3 and self.core_hz <= 400 * MHZ, "voltage scale"
        domain_1, domain_2 = self.registers[self.RCC + 0x18], self.registers[self.RCC + 0x1C]
        assert domain_1 & 0xF0F == 8 and self.core_hz / 2 <= 200 * MHZ, "AXI bus"
        assert domain_2 == 0x440 and domain_1 >> 4 & 7 == 4 and self.registers[self.RCC + 0x20] == 0x40, "APB buses"
        assert self.registers[self.FLASH] & 0x3F == 0x22, "wait states"

    def apb_hz(self, bus: int) -> float:
        divided = self.registers[self.RCC + 0x18] & 0xF == 8
        return self.core_hz / 4 if divided else self.core_hz


class Nrf52(Chip):
    """nRF52840 Product Specification v1.7, sections 5.4 and 6.33."""

    core_hz = 64 * MHZ

    def read(self, address: int) -> int:
        if address == 0x40000100:
            return self.registers[0x40000000] & self.starts
        return super().read(address)

    def write(self, address: int, value: int) -> None:
        super().write(address, value)
        if address == 0x4000251C:
            assert (self.registers[0x40002500], self.registers[0x40002008]) == (4, 1), "not enabled"
            assert (self.registers[0x4000250C], self.registers[0x40002514]) == (6, 8), "pins"
            assert self.registers[0x50000700 + 4 * 6] & 3 == 1 and self.registers[0x50000700 + 4 * 8] & 3 == 0
            self.registers[0x4000211C] = 1
            self.send(value & 0xFF, self.registers[0x40002524] * 16 * MHZ / 2**32)


class Rp2350(Chip):
    """RP2350 Datasheet, sections 2.1.3, 7.5, 8.1, 8.2, 8.6, 9.11 and 12.1."""

    CLOCKS, RESETS, CRYSTAL, PLL, UART = 0x40010000, 0x40020000, 0x40048000, 0x40050000, 0x40070000
    RESET: ClassVar[dict[int, int]] = {CLOCKS + 0x3C: 0x41, RESETS: 0x1FFFFFFF, PLL + 4: 0x2D, PLL + 0xC: 0x77000}
    NEEDS: ClassVar[dict[int, int]] = {0x40028000: 6, 0x40038000: 9, PLL: 14, UART: 26}

    def read(self, address: int) -> int:
        self._check_reset(address)
        registers = self.registers
        answers = {
            self.RESETS + 8: ~registers[self.RESETS] & 0x1FFFFFFF,
            self.CRYSTAL + 4: (registers[self.CRYSTAL] == 0xFABAA0 and self.starts) << 31,
            self.CLOCKS + 0x38: 1 << (registers[self.CLOCKS + 0x30] & 3),
            self.CLOCKS + 0x44: 1 << (registers[self.CLOCKS + 0x3C] & 1),
            self.PLL: registers[self.PLL] | (not registers[self.PLL + 4] & 0x21) << 31,
            self.UART + 0x18: 1 << 4,  # nothing received
        }
        return answers[address] if address in answers else super().read(address)

    def write(self, address: int, value: int) -> None:
        if 0x40000000 <= address < 0x50000000:
            address, alias = address & ~0x3000, address >> 12 & 3
            old = self.registers[address]
            value = (value, old ^ value, old | value, old & ~value)[alias]
        self._check_reset(address)
        previous = self.registers[self.CLOCKS + 0x3C]
        super().write(address, value)
        if address == self.CLOCKS + 0x3C:
            assert not previous & value & 1 or previous == value, "the auxiliary source changes while it is used"
            assert self.core_hz <= 150 * MHZ
        if address == self.UART:
            assert self.registers[self.UART + 0x30] & 0x301 == 0x301, "not enabled"
            assert self.registers[self.UART + 0x2C] & 0x60 == 0x60 and self.registers[self.CLOCKS + 0x48] == 1 << 11
            for pin in (0, 1):
                assert self.registers[0x40028004 + 8 * pin] == 2 and not self.registers[0x40038004 + 4 * pin] & 0x180
            divider = self.registers[self.UART + 0x24] + self.registers[self.UART + 0x28] / 64
            self.send(value & 0xFF, self.core_hz / 16 / divider)

    def _check_reset(self, address: int) -> None:
        for base, bit in self.NEEDS.items():
            if base <= address < base + 0x4000:
                assert not self.registers[self.RESETS] >> bit & 1, f"{address:#x} is still in reset"

    @property
    def core_hz(self) -> float:
        system, reference = self.registers[self.CLOCKS + 0x3C], self.registers[self.CLOCKS + 0x30]
        if not system & 1:
            return 12 * MHZ
        if system >> 5 & 7 == 2 and not reference & 3:
            return 12 * MHZ  # the ring oscillator, about
        assert system >> 5 & 7 == 0 and reference & 3 == 2, "not from the PLL and the crystal"
        assert self.read(self.PLL) >> 31 and not self.registers[self.PLL + 4] & 0x29, "the PLL is not ready"
        oscillator = 12 * MHZ * self.registers[self.PLL + 8]
        assert 750 * MHZ <= oscillator <= 1600 * MHZ
        dividers = self.registers[self.PLL + 0xC]
        return oscillator / (dividers >> 16 & 7) / (dividers >> 12 & 7)


CHIPS: dict[str, type[Chip]] = {
    "stm32f4": Stm32F4,
    "stm32f7": Stm32F7,
    "stm32h7": Stm32H7,
    "nrf52": Nrf52,
    "rp2350": Rp2350,
}

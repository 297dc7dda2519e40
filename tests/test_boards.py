import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.boards import FAMILIES, BoardSpec
from pipeline.errors import SixfoldError
from pipeline.validation import validate
from tests.imports import ROOT

F4 = {"family": "stm32f4", "uart": {"port": "usart2", "tx": "PA2", "rx": "PA3"}}


def test_every_family_is_a_folder_of_the_firmware() -> None:
    for family in FAMILIES:
        assert (ROOT / "firmware/boards" / family / "board.cmake").is_file(), family


def test_settings_are_the_numbers_that_the_firmware_takes() -> None:
    assert BoardSpec.model_validate(F4).settings(168_000_000) == {
        "BOARD_CLOCK_HZ": 168_000_000,
        "BOARD_UART": 2,
        "BOARD_UART_TX": 2,
        "BOARD_UART_RX": 3,
    }


def test_the_supply_is_its_place_in_the_familys_list() -> None:
    board = BoardSpec.model_validate(F4 | {"family": "stm32h7", "supply": "smps"})
    assert board.settings(400_000_000)["BOARD_SUPPLY"] == 1


@given(st.sampled_from("ABCDEFGHIJK"), st.integers(0, 15))
def test_an_stm32_pin_is_port_times_sixteen_plus_pin(port: str, pin: int) -> None:
    assert FAMILIES["stm32f4"].pin_number(f"P{port}{pin}") == 16 * (ord(port) - ord("A")) + pin


@pytest.mark.parametrize(
    ("family", "pin", "number"),
    [
        ("stm32h7", "PD8", 56),
        ("stm32f7", "PB16", None),
        ("nrf52", "P0.06", 6),
        ("nrf52", "P1.15", 47),
        ("nrf52", "P0.6", None),
        ("nrf52", "P0.32", None),
        ("rp2350", "GP29", 29),
        ("rp2350", "GP30", None),
        ("rp2350", "29", None),
    ],
)
def test_pins_are_counted_as_the_family_does(family: str, pin: str, number: int | None) -> None:
    assert FAMILIES[family].pin_number(pin) == number


@given(st.text())
def test_any_other_text_is_no_pin(text: str) -> None:
    if text.startswith(("P", "G")):
        return
    assert all(family.pin_number(text) is None for family in FAMILIES.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "stm32u5"}, "family stm32u5 is unknown; there are stm32f4"),
        ({"uart": F4["uart"] | {"port": "uart9"}}, "uart.port uart9 is unknown; stm32f4 has usart1, usart2"),
        ({"uart": F4["uart"] | {"tx": "PA16"}}, "uart.tx PA16 is no pin of stm32f4; write for example PA9"),
        ({"uart": F4["uart"] | {"rx": "P0.06"}}, "uart.rx P0.06 is no pin of stm32f4"),
        ({"uart": F4["uart"] | {"cts": "PA1"}}, "uart.cts: unknown key; known here: port, rx, tx"),
        ({"supply": "smps"}, "supply is not for this family"),
        ({"family": "stm32h7"}, "supply must be one of ldo, smps"),
        ({"family": "stm32h7", "supply": "usb"}, "supply must be one of ldo, smps"),
        ({"crystal": 8}, "crystal: unknown key; known here: family, supply, uart"),
    ],
)
def test_each_mistake_is_one_line(change: dict[str, object], message: str) -> None:
    with pytest.raises(SixfoldError) as caught:
        validate(BoardSpec, F4 | change, "board.yaml")
    assert message in str(caught.value) and "\n" not in str(caught.value)

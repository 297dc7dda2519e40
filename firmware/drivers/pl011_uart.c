/*
 * PrimeCell UART PL011 of the RP2350 (RP2350 Datasheet, sections 9 GPIO and 12.1 UART), with FIFOs of 32 bytes.
 *   BOARD_UART           0 or 1
 *   BOARD_UART_TX, _RX   numbers of the pins
 */
#include "sixfold/uart.h"
#include "soc.h"
#include "uart_port.h"

_Static_assert(BOARD_UART_TX % 4 == 0 && BOARD_UART_RX % 4 == 1 && (BOARD_UART_TX + 4) / 8 % 2 == BOARD_UART &&
                   (BOARD_UART_RX + 4) / 8 % 2 == BOARD_UART,
               "board.uart: the port does not reach these pins; uart0 has GP0 and GP1, GP12 and GP13, GP16 and GP17, "
               "GP28 and GP29; uart1 has GP4 and GP5, GP8 and GP9, GP20 and GP21, GP24 and GP25 (tx, rx)");

typedef struct {
    volatile uint32_t data, receive_status;
    uint32_t unused_1[4];
    volatile const uint32_t flags;
    uint32_t unused_2[2];
    volatile uint32_t baud, baud_fraction, line, control;
} pl011;

enum {
    FLAG_BUSY = 1U << 3,
    FLAG_RECEIVE_EMPTY = 1U << 4,
    FLAG_SEND_FULL = 1U << 5,
    LINE_FIFOS = 1U << 4,
    LINE_EIGHT_BITS = 3U << 5,
    CONTROL_ENABLE = 1U << 0,
    CONTROL_SEND = 1U << 8,
    CONTROL_RECEIVE = 1U << 9,
    RESET_PINS = (1U << 6) | (1U << 9), /* IO_BANK0, PADS_BANK0 */
    RESET_UART = 1U << (26 + BOARD_UART),
    FUNCTION_UART = 2,
    PAD_TX = 0x52, /* 4 mA, Schmitt trigger, input enabled, isolation off */
    PAD_RX = 0x5A, /* the same, pulled up: an open line reads as idle */
};

static pl011 *const UART = (pl011 *)(0x40070000U + 0x8000U * BOARD_UART);

static void connect_pin(uint32_t pin, uint32_t pad)
{
    *(volatile uint32_t *)(0x40028000U + 8U * pin + 4U) = FUNCTION_UART;
    *(volatile uint32_t *)(0x40038000U + 4U * pin + 4U) = pad;
}

void uart_port_init(void)
{
    if (!rp2350_start(RESET_PINS | RESET_UART)) {
        return; /* a dead port: sixfold_uart_put() says so */
    }
    /* In 64ths of the clock over 16 times the baud rate, rounded. */
    const uint32_t divider = (8U * rp2350_peripheral_hz() / SIXFOLD_UART_BAUD + 1U) / 2U;
    UART->baud = divider / 64U;
    UART->baud_fraction = divider % 64U;
    UART->line = LINE_EIGHT_BITS | LINE_FIFOS; /* takes the divider over */
    UART->control = CONTROL_ENABLE | CONTROL_SEND | CONTROL_RECEIVE;
    connect_pin(BOARD_UART_TX, PAD_TX);
    connect_pin(BOARD_UART_RX, PAD_RX);
}

bool uart_port_receive(uint8_t *byte)
{
    if ((UART->flags & FLAG_RECEIVE_EMPTY) != 0U) {
        return false;
    }
    *byte = (uint8_t)UART->data; /* reading also clears an overrun */
    return true;
}

bool uart_port_send(uint8_t byte)
{
    if ((UART->flags & FLAG_SEND_FULL) != 0U) {
        return false;
    }
    UART->data = byte;
    return true;
}

bool uart_port_idle(void)
{
    return (UART->flags & FLAG_BUSY) == 0U;
}

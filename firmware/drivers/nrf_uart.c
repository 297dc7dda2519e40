/*
 * UART of the nRF52 without DMA (nRF52840 Product Specification v1.7, section 6.33): six received bytes are kept. It is
 * the same peripheral as UARTE0, whose pins are the board's.
 *   BOARD_UART_TX, _RX   pins: 32 * port + number
 */
#include "uart_port.h"

#include "sixfold/uart.h"

typedef struct {
    volatile uint32_t start_receive, stop_receive, start_send, stop_send;
    uint32_t unused_1[(0x108 - 0x010) / 4];
    volatile uint32_t received; /* an event: 1 when it has happened; write 0 to wait for the next */
    uint32_t unused_2[(0x11C - 0x10C) / 4];
    volatile uint32_t sent; /* an event */
    uint32_t unused_3[(0x480 - 0x120) / 4];
    volatile uint32_t error_source; /* write 1 to clear */
    uint32_t unused_4[(0x500 - 0x484) / 4];
    volatile uint32_t enable;
    uint32_t unused_5[(0x50C - 0x504) / 4];
    volatile uint32_t send_pin;
    uint32_t unused_6;
    volatile uint32_t receive_pin;
    volatile const uint32_t receive;
    volatile uint32_t send;
    uint32_t unused_7;
    volatile uint32_t baud;
    uint32_t unused_8[(0x56C - 0x528) / 4];
    volatile uint32_t configuration;
} nrf_uart;

_Static_assert(__builtin_offsetof(nrf_uart, sent) == 0x11C && __builtin_offsetof(nrf_uart, error_source) == 0x480 &&
                   __builtin_offsetof(nrf_uart, send_pin) == 0x50C && __builtin_offsetof(nrf_uart, baud) == 0x524 &&
                   __builtin_offsetof(nrf_uart, configuration) == 0x56C,
               "register addresses");
_Static_assert(SIXFOLD_UART_BAUD == 115200, "the divider below is for this baud rate");

enum { ENABLE_UART = 4, DIVIDER_115200 = 0x01D7E000, EIGHT_BITS_NO_PARITY = 0 };
enum { PIN_OUTPUT = 1, PIN_INPUT_PULLED_UP = 3U << 2 };

static nrf_uart *const UART = (nrf_uart *)0x40002000U;

static bool sending;

static uint32_t gpio(uint32_t pin)
{
    return 0x50000000U + 0x300U * (pin / 32U);
}

static void set_pin(uint32_t pin, uint32_t configuration)
{
    *(volatile uint32_t *)(gpio(pin) + 0x508U) = 1U << (pin % 32U); /* high: an idle line */
    *(volatile uint32_t *)(gpio(pin) + 0x700U + 4U * (pin % 32U)) = configuration;
}

void uart_port_init(void)
{
    set_pin(BOARD_UART_TX, PIN_OUTPUT);
    set_pin(BOARD_UART_RX, PIN_INPUT_PULLED_UP);
    UART->send_pin = BOARD_UART_TX;
    UART->receive_pin = BOARD_UART_RX;
    UART->baud = DIVIDER_115200;
    UART->configuration = EIGHT_BITS_NO_PARITY;
    UART->enable = ENABLE_UART;
    UART->received = 0;
    UART->sent = 0;
    UART->start_receive = 1;
    UART->start_send = 1;
}

bool uart_port_receive(uint8_t *byte)
{
    if (UART->error_source != 0U) {
        UART->error_source = UART->error_source;
    }
    if (UART->received == 0U) {
        return false;
    }
    UART->received = 0; /* before reading, which brings the next byte up */
    *byte = (uint8_t)UART->receive;
    return true;
}

bool uart_port_send(uint8_t byte)
{
    if (!uart_port_idle()) {
        return false;
    }
    UART->sent = 0;
    UART->send = byte;
    sending = true;
    return true;
}

bool uart_port_idle(void)
{
    return !sending || UART->sent != 0U;
}

/* CMSDK APB UART (Cortex-M System Design Kit, Arm DDI 0479, section 4.4): one byte each way, no FIFO. */
#include "soc.h"
#include "sixfold/uart.h"
#include "uart_port.h"

typedef struct {
    volatile uint32_t data;
    volatile uint32_t state; /* overruns: write 1 to clear */
    volatile uint32_t control;
    volatile uint32_t interrupt;
    volatile uint32_t divisor; /* clock cycles per bit, at least 16 */
} cmsdk_uart;

enum {
    STATE_SEND_FULL = 1U << 0,
    STATE_RECEIVE_FULL = 1U << 1,
    STATE_RECEIVE_OVERRUN = 1U << 3,
    CONTROL_SEND = 1U << 0,
    CONTROL_RECEIVE = 1U << 1,
};

static cmsdk_uart *const UART = (cmsdk_uart *)SOC_CMSDK_UART;

void uart_port_init(void)
{
    UART->divisor = (SOC_CMSDK_HZ + SIXFOLD_UART_BAUD / 2U) / SIXFOLD_UART_BAUD;
    UART->control = CONTROL_SEND | CONTROL_RECEIVE;
    (void)UART->data; /* a byte from before a reset; the emulator also takes it as leave to deliver the next one */
}

bool uart_port_receive(uint8_t *byte)
{
    const uint32_t state = UART->state;
    if ((state & STATE_RECEIVE_OVERRUN) != 0U) {
        UART->state = STATE_RECEIVE_OVERRUN;
    }
    if ((state & STATE_RECEIVE_FULL) == 0U) {
        return false;
    }
    *byte = (uint8_t)UART->data;
    return true;
}

bool uart_port_send(uint8_t byte)
{
    if ((UART->state & STATE_SEND_FULL) != 0U) {
        return false;
    }
    UART->data = byte;
    return true;
}

bool uart_port_idle(void)
{
    return (UART->state & STATE_SEND_FULL) == 0U;
}

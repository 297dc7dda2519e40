#include "sixfold/uart.h"

#include "sixfold/timer.h"
#include "uart_port.h"

static const uint32_t MICROSECONDS = 1000000U;

/* The tick at which a time limit that starts now ends. */
static uint64_t deadline(uint32_t microseconds)
{
    return sixfold_timer_ticks() + ((uint64_t)microseconds * sixfold_timer_hz() + MICROSECONDS - 1U) / MICROSECONDS;
}

void sixfold_uart_init(void)
{
    uart_port_init();
}

int32_t sixfold_uart_get(uint32_t timeout_us)
{
    uint8_t byte = 0;
    if (uart_port_receive(&byte)) { /* the usual case while a line arrives, and it may arrive fast */
        return byte;
    }
    if (timeout_us == 0U) { /* asked between the layers of an inference that is timed */
        return SIXFOLD_UART_NOTHING;
    }
    const uint64_t end = deadline(timeout_us);
    do {
        if (uart_port_receive(&byte)) {
            return byte;
        }
    } while (sixfold_timer_ticks() < end);
    return SIXFOLD_UART_NOTHING;
}

bool sixfold_uart_put(uint8_t byte)
{
    if (uart_port_send(byte)) {
        return true;
    }
    const uint64_t end = deadline(MICROSECONDS);
    do {
        if (uart_port_send(byte)) {
            return true;
        }
    } while (sixfold_timer_ticks() < end);
    return false;
}

void sixfold_uart_flush(void)
{
    const uint64_t end = deadline(MICROSECONDS);
    while (!uart_port_idle() && sixfold_timer_ticks() < end) {
    }
}

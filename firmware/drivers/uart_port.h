/* What a serial-port driver implements; drivers/uart.c adds the time limits. None of these waits. */
#ifndef SIXFOLD_UART_PORT_H
#define SIXFOLD_UART_PORT_H

#include <stdbool.h>
#include <stdint.h>

void uart_port_init(void);

/* Takes a received byte; false when there is none. Clears what an overrun leaves behind. */
bool uart_port_receive(uint8_t *byte);

/* Hands over a byte; false when the transmitter has no room. */
bool uart_port_send(uint8_t byte);

/* Whether the last byte has left. */
bool uart_port_idle(void);

#endif

/*
 * A board's serial port, where there is one the port behind the board's USB connector: 115200 baud, 8 data bits, no
 * parity, 1 stop bit. It is polled and has no buffer beyond the hardware's: look often enough while somebody talks
 * (a byte takes 87 us), or bytes are lost, which the hardware's flag is cleared for and nothing else happens.
 */
#ifndef SIXFOLD_UART_H
#define SIXFOLD_UART_H

#include <stdbool.h>
#include <stdint.h>

enum { SIXFOLD_UART_BAUD = 115200, SIXFOLD_UART_NOTHING = -1 };

/* Pins, baud rate, transmitter and receiver; to be called once, before the others. */
void sixfold_uart_init(void);

/* The next byte, 0..255, or SIXFOLD_UART_NOTHING when none arrives within `timeout_us` microseconds (0: only looks). */
int32_t sixfold_uart_get(uint32_t timeout_us);

/* Hands one byte to the transmitter; false when it accepted none for a second, which means that the port is dead. */
bool sixfold_uart_put(uint8_t byte);

/* Waits until the last byte has left, at most a second: before a reset. */
void sixfold_uart_flush(void);

#endif
